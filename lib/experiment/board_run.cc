#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/hash_text.h"
#include "experiment/board.h"
#include "experiment/cell_files.h"
#include "experiment/run.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

/// Everything that a unit's result depends on.
uint64_t unit_digest(const BoardUnit& unit, const BoardOptions& options, uint64_t data_digest) {
  std::string text =
      fmt::format("board 1 {} {} {} {} {} {} {} {} {} {} {} {}", unit.id(), options.spec.to_json(),
                  options.learner, options.balance_by, options.max_flows, options.max_windows,
                  options.flow_windows, std::bit_cast<uint64_t>(options.validation),
                  std::bit_cast<uint64_t>(options.target_accuracy), options.neighbours,
                  options.seed, data_digest);
  if (options.validate_by_source) text += " validated by source";
  Learners learners = options.learners;
  for (const LearnerOption& option : learners.options()) {
    text += fmt::format(" {} {}", option.name, learners.get(option.name));
  }
  return hash_text(0, text);
}

Json score_json(const BoardScore& score) {
  return {{"confusion", score.confusion},
          {"calibration_error", score.calibration_error},
          {"answered", score.answered},
          {"answered_accuracy", score.answered_accuracy}};
}

BoardScore score_from(const Json& json) {
  return {json.at("confusion").get<std::vector<uint64_t>>(), json.at("calibration_error"),
          json.at("answered"), json.at("answered_accuracy")};
}

Json calls_json(const BoardCalls& calls) {
  return {{"flows_called", calls.flows_called},
          {"flows_right", calls.flows_right},
          {"packets_called", calls.packets_called},
          {"packets_right", calls.packets_right}};
}

BoardCalls calls_from(const Json& json) {
  return {json.at("flows_called"), json.at("flows_right"), json.at("packets_called"),
          json.at("packets_right")};
}

/// Counts [truth][answer] under the names of the classes.
Confusion confusion_from(const std::vector<std::string>& classes,
                         const std::vector<uint64_t>& counts) {
  Confusion confusion(classes);
  for (uint32_t truth = 0; truth < classes.size(); ++truth) {
    for (uint32_t answer = 0; answer < classes.size(); ++answer) {
      confusion.add(truth, answer, counts[truth * classes.size() + answer]);
    }
  }
  return confusion;
}

std::optional<BoardResult> kept_unit(const CellFiles& files, const std::string& id,
                                     uint64_t digest) {
  try {
    if (const auto json = files.read(id, digest)) return BoardResult::from_json(*json);
  } catch (const nlohmann::json::exception&) {
    // Damaged: it is computed again and replaced.
  }
  return std::nullopt;
}

}  // namespace

Json BoardResult::to_json() const {
  Json json{{"axis", axis}, {"value", value}};
  if (!lacks.empty()) {
    json["lacks"] = lacks;
    return json;
  }
  json.update(Json{{"classes", classes},
                   {"train_windows", train_windows},
                   {"flows", flows},
                   {"confidence", confidence},
                   {"early", score_json(early)},
                   {"whole", score_json(whole)},
                   {"early_neighbours", score_json(early_neighbours)},
                   {"whole_neighbours", score_json(whole_neighbours)},
                   {"calls", calls_json(calls)},
                   {"answered_calls", calls_json(answered_calls)},
                   {"seconds", seconds}});
  return json;
}

BoardResult BoardResult::from_json(const Json& json) {
  BoardResult result;
  result.axis = json.at("axis");
  result.value = json.at("value");
  if (json.contains("lacks")) {
    result.lacks = json.at("lacks");
    return result;
  }
  result.classes = json.at("classes").get<std::vector<std::string>>();
  result.train_windows = json.at("train_windows");
  result.flows = json.at("flows");
  result.confidence = json.at("confidence");
  result.early = score_from(json.at("early"));
  result.whole = score_from(json.at("whole"));
  result.early_neighbours = score_from(json.at("early_neighbours"));
  result.whole_neighbours = score_from(json.at("whole_neighbours"));
  result.calls = calls_from(json.at("calls"));
  result.answered_calls = calls_from(json.at("answered_calls"));
  result.seconds = json.at("seconds");
  return result;
}

std::string treatment_of(const std::string& class_name) {
  static const std::map<std::string, std::string> kTreatments{{"voip", "live"},
                                                              {"video-call", "live"},
                                                              {"gaming", "live"},
                                                              {"streaming", "film"},
                                                              {"browsing", "interactive"},
                                                              {"chat", "interactive"},
                                                              {"remote-desktop", "interactive"},
                                                              {"file-transfer", "bulk"},
                                                              {"p2p", "bulk"}};
  const auto found = kTreatments.find(class_name);
  return found == kTreatments.end() ? class_name : found->second;
}

double balanced_by_class(const BoardResult& result, const BoardScore& score) {
  return confusion_from(result.classes, score.confusion).balanced_accuracy();
}

double balanced_by_treatment(const BoardResult& result, const BoardScore& score) {
  std::vector<std::string> treatments;
  std::vector<uint32_t> of_class;
  for (const std::string& name : result.classes) {
    const std::string treatment = treatment_of(name);
    const auto place = std::find(treatments.begin(), treatments.end(), treatment);
    of_class.push_back(static_cast<uint32_t>(place - treatments.begin()));
    if (place == treatments.end()) treatments.push_back(treatment);
  }
  Confusion confusion(treatments);
  const size_t classes = of_class.size();
  for (size_t i = 0; i < score.confusion.size(); ++i) {
    confusion.add(of_class[i / classes], of_class[i % classes], score.confusion[i]);
  }
  return confusion.balanced_accuracy();
}

void make_quick(BoardOptions& options) {
  options.max_flows = 30;
  options.max_windows = 300;
  options.flow_windows = 2;
  for (const LearnerOption& option : options.learners.options()) {
    if (!option.quick.empty()) options.learners.set(option.name, option.quick);
  }
}

std::vector<BoardResult> run_board(const BoardData& data, const BoardOptions& options,
                                   const std::filesystem::path& folder,
                                   const std::vector<std::string>& only, const BoardHooks& hooks) {
  std::vector<BoardUnit> units = board_units(data.examples);
  std::erase_if(units, [&](const BoardUnit& unit) { return !chosen(unit.id(), only); });
  if (units.empty()) {
    fail("no unit of the board is called '{}' (--list shows them)", fmt::join(only, "', '"));
  }
  const CellFiles files(folder);
  std::vector<BoardResult> results;
  for (const BoardUnit& unit : units) {
    if (hooks.before) hooks.before(unit, results.size(), units.size());
    const uint64_t digest = unit_digest(unit, options, data.digest);
    const auto kept = kept_unit(files, unit.id(), digest);
    results.push_back(kept ? *kept : run_board_unit(data, unit, options));
    if (!kept) files.write(unit.id(), digest, results.back().to_json());
    if (hooks.after) hooks.after(results.back(), kept.has_value());
  }
  return results;
}

}  // namespace flowmark
