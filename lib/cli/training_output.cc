// What a training leaves behind for machines (the model's card) and tells people.

#include <ctime>
#include <iostream>

#include "cli/training_run.h"
#include "model/model.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

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
Json class_shares(const ExampleSet& examples, size_t rows) {
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
  Json shares;
  for (size_t c = 0; c < flows.size(); ++c) shares[examples.classes[c]] = flows[c] / all;
  return shares;
}

}  // namespace

Json TrainingRun::card() const {
  Json card;
  card["tool"] = "flowmark " FLOWMARK_VERSION;
  card["date"] = today();
  card["model"] = options_.learner;
  learner_->describe(card);
  card["balanced"] = options_.learning.balanced;
  if (learner_->interrupted()) card["interrupted"] = true;
  if (options_.undersample) card["undersampled"] = true;
  if (!options_.versus.empty()) card["versus"] = options_.versus;
  for (const Augmentation kind : options_.augment.kinds) {
    card["augmentations"].push_back(to_string(kind));
  }
  if (!options_.augment.kinds.empty()) card["copies"] = options_.augment.copies;
  for (const std::string& data : options_.data.data) {
    card["data"].push_back(std::filesystem::path(data).filename().string());
  }
  card["flows"] = counts_.flows;
  card["split"] = {{"by", split_options_.by},
                   {"seed", split_options_.seed},
                   {"train_groups", split_.groups[0]},
                   {"validation_groups", split_.groups[1]},
                   {"test_groups", split_.groups[2]}};
  card["min_packets"] = options_.data.min_packets;
  card["class_shares"] = class_shares(examples_, recorded_);
  if (abstention_) {
    card["confidence"] = {{"threshold", abstention_->threshold},
                          {"accuracy", abstention_->accuracy},
                          {"coverage", abstention_->coverage},
                          {"target", options_.target_accuracy}};
  }
  if (!thresholds_.empty()) {
    card["labels"] = to_json(thresholds_, examples_.classes);
    card["target_accuracy"] = options_.target_accuracy;
  }
  if (validation_result_) {
    card["validation"] = validation_result_.to_json();
  }
  if (test_result_) {
    card["test"] = test_result_.to_json();
  }
  return card;
}

void TrainingRun::print() const {
  if (options_.data.json) {
    Json out = card_;
    out["out"] = options_.out;
    out["sha256"] = model_->sha256;
    out["round_trip"] = round_trip_;
    out["trials"] = learner_->trials();
    std::cout << out.dump(2) << "\n";
    return;
  }
  if (learner_->interrupted()) {
    std::cout << "\nInterrupted: this is the best model so far.";
    if (std::filesystem::exists(options_.out + ".state")) {
      std::cout << " The same command with --resume goes on from " << options_.out << ".state.";
    }
    std::cout << "\n";
  }
  if (test_result_) {
    std::cout << "\nOn test data:\n" << test_result_.to_text();
  } else if (validation_result_) {
    std::cout << "\nOn validation data, by which the model was chosen:\n"
              << validation_result_.to_text();
  } else {
    std::cout << "\nNo data was set aside: how right the model is, is not known (flowmark eval).\n";
  }
  print_confidence();
  std::cout << fmt::format(
      "\n{}: {} parameters, {} golden windows, largest difference to the trained probabilities "
      "{:.1e}\n",
      options_.out, model_->parameters, model_->golden_windows, round_trip_);
}

/// Which answers are to be believed.
void TrainingRun::print_confidence() const {
  for (size_t c = 0; c < thresholds_.size(); ++c) {
    const LabelThreshold& of = thresholds_[c];
    std::cout << (c == 0 ? "\n" : "")
              << fmt::format(
                     "{}: said to be there above {:.3f}; {:.2f}% sure above {:.3f}, which "
                     "finds {:.2f}% of it on validation data\n",
                     examples_.classes[c], of.threshold, 100 * options_.target_accuracy, of.sure,
                     100 * of.found);
  }
  if (abstention_) {
    std::cout << fmt::format(
        "\nconfidence {:.3f}: on validation data {:.2f}% of the windows get an answer, of which "
        "{:.2f}% are right{}\n",
        abstention_->threshold, 100 * abstention_->coverage, 100 * abstention_->accuracy,
        abstention_->reached
            ? ""
            : fmt::format(" (no confidence reaches {:.2f}%)", 100 * options_.target_accuracy));
  }
}

}  // namespace flowmark
