// The card that a training writes into the model file.

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "data/balance.h"
#include "learn/training_run.h"

namespace flowmark {
namespace {

/// UTC; SOURCE_DATE_EPOCH stands in for now, so that a training can be repeated byte for byte.
std::string today() {
  std::time_t now = std::time(nullptr);
  if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH")) {
    now = static_cast<std::time_t>(std::strtoll(fixed, nullptr, 10));
  }
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

/// Each class's share of the flows; of a multi-label set of all labels that flows have.
nlohmann::ordered_json class_shares(const ExampleSet& examples, size_t rows) {
  std::vector<bool> counted(examples.flows.size(), false);
  std::vector<double> flows(examples.classes.size(), 0);
  double all = 0;
  for (size_t row = 0; row < rows; ++row) {
    const ExampleInfo& info = examples.info(row);
    if (counted[info.flow]) continue;
    counted[info.flow] = true;
    for (size_t c = 0; c < flows.size(); ++c) {
      const bool has = examples.multilabel ? (info.label_set >> c & 1) != 0 : info.class_index == c;
      flows[c] += has ? 1 : 0;
      all += has ? 1 : 0;
    }
  }
  nlohmann::ordered_json shares;
  for (size_t c = 0; c < flows.size(); ++c) shares[examples.classes[c]] = flows[c] / all;
  return shares;
}

}  // namespace

nlohmann::ordered_json TrainingRun::open_set_card() const {
  nlohmann::ordered_json thresholds;
  for (size_t c = 0; c < result_.most_disagreement.size(); ++c) {
    thresholds[examples_.classes[c]] = result_.most_disagreement[c];
  }
  return {{"rule", "disagreement"}, {"share", plan_.open_set_share}, {"thresholds", thresholds}};
}

std::string TrainingRun::card() const {
  nlohmann::ordered_json card;
  card["tool"] = "flowmark " FLOWMARK_VERSION;
  card["date"] = today();
  card["model"] = plan_.learner;
  learner_->describe(card);
  card["balanced"] = plan_.learning.balanced;
  if (learner_->interrupted()) card["interrupted"] = true;
  if (plan_.undersample) card["undersampled"] = true;
  if (!plan_.balance_by.empty()) {
    card["balanced_by"] = plan_.balance_by;
    card["sources"] =
        source_names(examples_, rows_of(examples_, split_, Part::train, true), plan_.balance_by);
  }
  if (!plan_.without.empty()) card["without"] = plan_.without;
  if (!plan_.versus.empty()) card["versus"] = plan_.versus;
  for (const Augmentation kind : plan_.augment.kinds) {
    card["augmentations"].push_back(to_string(kind));
  }
  if (!plan_.augment.kinds.empty()) card["copies"] = plan_.augment.copies;
  for (const std::string& name : plan_.data_names) card["data"].push_back(name);
  card["flows"] = counts_.flows;
  card["split"] = {{"by", split_options_.by},
                   {"seed", split_options_.seed},
                   {"train_groups", split_.groups[0]},
                   {"validation_groups", split_.groups[1]},
                   {"test_groups", split_.groups[2]}};
  card["min_packets"] = plan_.cut.min_packets;
  card["class_shares"] = class_shares(examples_, recorded_);
  if (const auto& chosen = result_.abstention) {
    card["confidence"] = {{"threshold", chosen->threshold},
                          {"accuracy", chosen->accuracy},
                          {"coverage", chosen->coverage},
                          {"target", plan_.target_accuracy}};
  }
  if (!result_.most_disagreement.empty()) card["open_set"] = open_set_card();
  if (!result_.thresholds.empty()) {
    card["labels"] = to_json(result_.thresholds, examples_.classes);
    card["target_accuracy"] = plan_.target_accuracy;
  }
  if (result_.validation) {
    card["validation"] = result_.validation.to_json();
  }
  if (result_.test) {
    card["test"] = result_.test.to_json();
  }
  return card.dump();
}

}  // namespace flowmark
