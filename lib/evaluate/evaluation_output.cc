// What an evaluation says to people and to machines.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluate/evaluation.h"
#include "evaluate/mean.h"
#include "evaluate/reliability.h"

namespace flowmark {
namespace {

nlohmann::ordered_json prefix_json(const FlowPrefix& prefix) {
  if (prefix.packets > 0) {
    return {{"packets", prefix.packets}};
  }
  return {{"seconds", static_cast<double>(prefix.us) / static_cast<double>(kUsPerSecond)}};
}

std::vector<double> accuracies(const Confusion& confusion) {
  return {confusion.accuracy(), confusion.balanced_accuracy()};
}

}  // namespace

nlohmann::ordered_json Evaluation::to_json() const {
  nlohmann::ordered_json out;
  out["flows"] = flows_.to_json();
  out["windows"] = windows_.to_json();
  out["mean_confidence"] = mean_confidence();
  if (unfamiliar_ > 0) out["unfamiliar"] = {{"windows", unfamiliar_}, {"of", answers_}};
  out["prefixes"] = nlohmann::ordered_json::array();
  for (const AtPrefix& at : at_prefixes_) {
    const auto total = static_cast<double>(std::max<uint64_t>(at.confusion.total(), 1));
    nlohmann::ordered_json entry = prefix_json(at.prefix);
    entry["count"] = at.confusion.total();
    entry["reached"] = at.reached;
    entry["accuracy"] = at.confusion.accuracy();
    entry["balanced_accuracy"] = at.confusion.balanced_accuracy();
    entry["mean_confidence"] = at.mean_confidence / total;
    for (size_t c = 0; c < at.confusion.classes().size(); ++c) {
      entry["recall"][at.confusion.classes()[c]] = at.confusion.recall(c);
    }
    out["prefixes"].push_back(entry);
  }
  return out;
}

std::string Evaluation::to_text() const {
  std::string text;
  if (windows_.total() > 0) {
    text += fmt::format("full windows: {} of {} flows; accuracy {:.2f}%, balanced {:.2f}%\n{}",
                        windows_.total(), flows_.total(), 100 * windows_.accuracy(),
                        100 * windows_.balanced_accuracy(), windows_.to_table());
  }
  text += fmt::format("\nflows, their windows averaged: {}; accuracy {:.2f}%, balanced {:.2f}%\n{}",
                      flows_.total(), 100 * flows_.accuracy(), 100 * flows_.balanced_accuracy(),
                      flows_.to_table());
  if (!at_prefixes_.empty()) {
    text += "\nafter          windows  reached  accuracy  balanced  confidence\n";
  }
  for (const AtPrefix& at : at_prefixes_) {
    const auto total = static_cast<double>(std::max<uint64_t>(at.confusion.total(), 1));
    text += fmt::format("{:<13} {:>8} {:>8} {:>8.2f}% {:>8.2f}% {:>10.3f}\n", to_string(at.prefix),
                        at.confusion.total(), at.reached, 100 * at.confusion.accuracy(),
                        100 * at.confusion.balanced_accuracy(), at.mean_confidence / total);
  }
  if (unfamiliar_ > 0) {
    text += fmt::format(
        "\n{} of {} windows ({:.2f}%) resemble no class: the daemon counts them for none\n",
        unfamiliar_, answers_, 100 * share(unfamiliar_, answers_));
  }
  return text;
}

nlohmann::ordered_json Evaluation::details_json(const BootstrapOptions& bootstrap) const {
  nlohmann::ordered_json out;
  const auto add = [&](const char* name, const std::vector<Judgement>& judgements) {
    if (judgements.empty()) {
      return;
    }
    out[name] = confidence_json(judgements);
    if (bootstrap.replicates > 0) {
      out[name]["intervals"] =
          confident_scores(windows_.classes(), judgements, bootstrap).to_json(windows_.classes());
    }
  };
  add("windows", window_judgements_);
  add("flows", flow_judgements_);
  for (const AtPrefix& at : at_prefixes_) {
    if (bootstrap.replicates == 0 || at.judgements.empty()) {
      continue;
    }
    const auto both = bootstrap_intervals(windows_.classes(), at.judgements, accuracies, bootstrap);
    nlohmann::ordered_json entry = prefix_json(at.prefix);
    entry["accuracy"] = {both[0].low, both[0].high};
    entry["balanced_accuracy"] = {both[1].low, both[1].high};
    out["prefixes"].push_back(entry);
  }
  if (bootstrap.replicates > 0) {
    out["bootstrap"] = {
        {"replicates", bootstrap.replicates}, {"level", bootstrap.level}, {"seed", bootstrap.seed}};
  }
  return out;
}

std::string Evaluation::details_text(const BootstrapOptions& bootstrap) const {
  std::string text;
  const auto add = [&](const char* name, const std::vector<Judgement>& judgements) {
    if (judgements.empty()) {
      return;
    }
    text += fmt::format("\n{}: ", name);
    if (bootstrap.replicates > 0) {
      const auto scores = confident_scores(windows_.classes(), judgements, bootstrap);
      text += fmt::format("accuracy {}, balanced {} ({:g}% bootstrap intervals, {} groups)\n",
                          scores.accuracy.to_text(), scores.balanced_accuracy.to_text(),
                          100 * bootstrap.level, scores.groups);
      if (scores.groups == 1) {
        text += "All flows are of one group: the interval cannot show what another would give.\n";
      }
    }
    text += confidence_table(judgements);
  };
  add("full windows", window_judgements_);
  add("flows", flow_judgements_);
  return text;
}

}  // namespace flowmark
