// What an evaluation of sets of labels says to people and to machines.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/label_sets.h"
#include "evaluate/set_evaluation.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json SetEvaluation::to_json() const {
  Json out;
  out["flows"] = flows_.to_json();
  out["windows"] = windows_.to_json();
  for (size_t c = 0; c < thresholds_.size(); ++c) {
    out["thresholds"][labels()[c]] = thresholds_[c];
  }
  out["prefixes"] = Json::array();
  for (const AtPrefix& at : at_prefixes_) {
    Json entry;
    if (at.prefix.packets > 0) {
      entry["packets"] = at.prefix.packets;
    } else {
      entry["seconds"] = static_cast<double>(at.prefix.us) / static_cast<double>(kUsPerSecond);
    }
    entry["reached"] = at.reached;
    entry.update(at.scores.to_json());
    out["prefixes"].push_back(entry);
  }
  return out;
}

Json SetEvaluation::details_json(const BootstrapOptions& bootstrap) const {
  Json out;
  const auto add = [&](const char* name, bool of_flows) {
    if ((of_flows ? flows_ : windows_).total() == 0 || bootstrap.replicates == 0) {
      return;
    }
    const Intervals found = intervals(of_flows, bootstrap);
    out[name] = {{"exact_match", found.exact_match.to_json()},
                 {"hamming_loss", found.hamming_loss.to_json()},
                 {"groups", found.groups}};
  };
  add("windows", false);
  add("flows", true);
  if (bootstrap.replicates > 0) {
    out["bootstrap"] = {
        {"replicates", bootstrap.replicates}, {"level", bootstrap.level}, {"seed", bootstrap.seed}};
  }
  out["sets"] = Json::array();
  for (const auto& [truth, answers] : taken_for()) {
    Json entry{{"truth", label_set_name(truth, labels())}, {"answers", Json::object()}};
    for (const auto& [answer, count] : answers) {
      entry["answers"][label_set_name(answer, labels())] = count;
    }
    out["sets"].push_back(entry);
  }
  return out;
}

std::string SetEvaluation::to_text() const {
  std::string text;
  if (windows_.total() > 0) {
    text += fmt::format("full windows: {} of {} flows\n{}\n", windows_.total(), flows_.total(),
                        windows_.to_table());
  }
  text += fmt::format("flows, their windows averaged: {}\n{}", flows_.total(), flows_.to_table());
  text += "said to be there above: ";
  for (size_t c = 0; c < thresholds_.size(); ++c) {
    text += fmt::format("{}{} {:.3f}", c == 0 ? "" : ", ", labels()[c], thresholds_[c]);
  }
  text += '\n';
  if (!at_prefixes_.empty()) {
    text += "\nafter          windows  reached  exact match  Hamming loss  macro F1\n";
  }
  for (const AtPrefix& at : at_prefixes_) {
    if (at.scores.total() == 0) continue;
    text +=
        fmt::format("{:<13} {:>8} {:>8} {:>11.2f}% {:>12.2f}% {:>8.2f}%\n", to_string(at.prefix),
                    at.scores.total(), at.reached, 100 * at.scores.exact_match(),
                    100 * at.scores.hamming_loss(), 100 * at.scores.macro_f1());
  }
  return text;
}

std::string SetEvaluation::details_text(const BootstrapOptions& bootstrap) const {
  std::string text;
  const auto add = [&](const char* name, bool of_flows) {
    if ((of_flows ? flows_ : windows_).total() == 0 || bootstrap.replicates == 0) {
      return;
    }
    const Intervals found = intervals(of_flows, bootstrap);
    text += fmt::format(
        "\n{}: exact match {}, Hamming loss {} ({:g}% bootstrap intervals, {} groups)\n", name,
        found.exact_match.to_text(), found.hamming_loss.to_text(), 100 * bootstrap.level,
        found.groups);
    if (found.groups == 1) {
      text += "All flows are of one group: the interval cannot show what another would give.\n";
    }
  };
  add("full windows", false);
  add("flows", true);
  const std::vector<TrueSet> sets = true_sets();
  size_t width = 10;
  for (const TrueSet& set : sets) width = std::max(width, set.name.size());
  text += fmt::format("\n{:<{}} {:>8} {:>12}  most often taken for\n", "true set", width, "windows",
                      "exact match");
  for (const TrueSet& set : sets) {
    text += fmt::format(
        "{:<{}} {:>8} {:>11.2f}%  {}\n", set.name, width, set.count, 100 * set.exact_match(),
        set.worst_count == 0 ? "" : fmt::format("{} ({})", set.worst, set.worst_count));
  }
  return text;
}

}  // namespace flowmark
