// One source left out: who learns, who is asked, how the answers are judged.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/hash_text.h"
#include "data/balance.h"
#include "evaluate/evaluation.h"
#include "evaluate/mean.h"
#include "evaluate/reliability.h"
#include "experiment/board.h"
#include "learn/calibrate.h"
#include "learn/neighbours.h"

namespace flowmark {
namespace {

/// A flow's row numbers are next to each other.
struct UnitRows {
  std::vector<uint32_t> train, validation, test;
};

/// Sources for validation, so many of those that are trained on, drawn at random; every class keeps
/// a source to learn from.
std::set<std::string> held_sources(const ExampleSet& examples, const std::vector<bool>& is_out,
                                   const BoardOptions& options) {
  std::map<std::string, std::set<uint32_t>> classes_of;
  for (size_t f = 0; f < examples.flows.size(); ++f) {
    const ExampleFlow& flow = examples.flows[f];
    if (!is_out[f]) classes_of[flow.attribute("source")].insert(flow.class_index);
  }
  std::vector<uint32_t> left(examples.classes.size(), 0);  // sources of each class
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [source, classes] : classes_of) {
    order.emplace_back(KeyedRandom(options.seed).bits(hash_text(0, source)), source);
    for (const uint32_t c : classes) ++left[c];
  }
  std::sort(order.begin(), order.end());
  const double wanted = options.validation * static_cast<double>(order.size());
  std::set<std::string> held;
  for (const auto& [key, source] : order) {
    const std::set<uint32_t>& classes = classes_of[source];
    if (static_cast<double>(held.size()) >= wanted) break;
    if (std::ranges::any_of(classes, [&](uint32_t c) { return left[c] == 1; })) continue;
    held.insert(source);
    for (const uint32_t c : classes) --left[c];
  }
  return held;
}

/// By flow: whether it is for validation. Sessions stay together, a flow of none is by itself; or
/// sources stay together.
std::vector<bool> validation_flows(const ExampleSet& examples, const std::vector<bool>& is_out,
                                   const BoardOptions& options) {
  std::set<std::string> sources;
  if (options.validate_by_source) sources = held_sources(examples, is_out, options);
  std::vector<bool> held;
  for (const ExampleFlow& flow : examples.flows) {
    const uint64_t group = hash_text(0, flow.session.empty() ? flow.name : flow.session);
    held.push_back(options.validate_by_source
                       ? sources.contains(flow.attribute("source"))
                       : KeyedRandom(options.seed).uniform(group) < options.validation);
  }
  return held;
}

/// The unit's flows, at most so many of a class.
std::vector<bool> judged_flows(const ExampleSet& examples, const BoardUnit& unit,
                               const BoardOptions& options) {
  std::vector<std::pair<uint64_t, uint32_t>> order;
  const KeyedRandom random = KeyedRandom(options.seed).sub(1);
  for (const uint32_t flow : unit.flows) order.emplace_back(random.bits(flow), flow);
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> taken(examples.classes.size(), 0);
  std::vector<bool> judged(examples.flows.size(), false);
  for (const auto& [key, flow] : order) {
    judged[flow] = taken[examples.flows[flow].class_index]++ < options.max_flows;
  }
  return judged;
}

UnitRows deal(const ExampleSet& examples, const BoardUnit& unit, const BoardOptions& options) {
  std::vector<bool> is_out(examples.flows.size(), false);
  for (const uint32_t flow : unit.flows) is_out[flow] = true;
  const std::vector<bool> judged = judged_flows(examples, unit, options);
  const std::vector<bool> held = validation_flows(examples, is_out, options);
  UnitRows rows;
  for (uint32_t row = 0; row < examples.size(); ++row) {
    const ExampleInfo& info = examples.info(row);
    if (is_out[info.flow]) {
      if (judged[info.flow]) rows.test.push_back(row);
    } else if (!info.repeat) {
      (held[info.flow] ? rows.validation : rows.train).push_back(row);
    }
  }
  BalanceOptions balance;
  balance.key = options.balance_by;
  balance.most_rows = options.max_windows;
  balance.seed = options.seed;
  rows.train = balance_rows(examples, rows.train, balance);
  rows.validation = balance_rows(examples, rows.validation, balance);
  return rows;
}

/// Names of classes that the training has no window of; empty: it has all.
std::string missing_classes(const ExampleSet& examples, const std::vector<uint32_t>& rows) {
  std::vector<bool> there(examples.classes.size(), false);
  for (const uint32_t row : rows) there[examples.info(row).class_index] = true;
  std::vector<std::string> names;
  for (size_t c = 0; c < there.size(); ++c) {
    if (!there[c]) names.push_back(examples.classes[c]);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

/// A flow's verdict at one moment.
struct Verdict {
  uint32_t flow = 0;
  Judgement judged;
};

/// What the daemon would say of each flow in the end and early on.
struct Verdicts {
  std::vector<Verdict> early, whole;
};

Verdict verdict_of(const ExampleSet& examples, uint32_t flow, std::span<const float> mean) {
  const auto top = std::max_element(mean.begin(), mean.end());
  return {
      flow,
      {flow, examples.flows[flow].class_index, static_cast<uint32_t>(top - mean.begin()), *top}};
}

Verdicts verdicts_of(const BoardData& data, const std::vector<uint32_t>& rows,
                     const std::vector<float>& probabilities) {
  const ExampleSet& examples = data.examples;
  const size_t classes = examples.classes.size();
  Verdicts verdicts;
  for (size_t i = 0; i < rows.size();) {
    const uint32_t flow = examples.info(rows[i]).flow;
    std::vector<Answer> answers;
    for (; i < rows.size() && examples.info(rows[i]).flow == flow; ++i) {
      const auto of_row = std::span(probabilities).subspan(i * classes, classes);
      answers.push_back({examples.info(rows[i]), {of_row.begin(), of_row.end()}});
    }
    const auto early = mean_of_prefix(answers, data.early);
    if (!early.empty()) verdicts.early.push_back(verdict_of(examples, flow, early));
    verdicts.whole.push_back(verdict_of(examples, flow, mean_of_flow(answers)));
  }
  return verdicts;
}

BoardScore score_of(const std::vector<Verdict>& verdicts, size_t classes, double confidence) {
  BoardScore score;
  score.confusion.resize(classes * classes);
  std::vector<Judgement> judgements;
  uint64_t answered = 0;
  uint64_t right = 0;
  for (const Verdict& verdict : verdicts) {
    const Judgement& judged = verdict.judged;
    judgements.push_back(judged);
    ++score.confusion[judged.truth * classes + judged.answer];
    if (double{judged.confidence} >= confidence) {
      ++answered;
      right += judged.truth == judged.answer ? 1 : 0;
    }
  }
  score.calibration_error = reliability_of(judgements).expected_error;
  score.answered = share(answered, judgements.size());
  score.answered_accuracy = share(right, answered);
  return score;
}

BoardCalls calls_of(const ExampleSet& examples, const std::vector<Verdict>& verdicts,
                    double confidence) {
  const auto is_call = [&](uint32_t c) { return treatment_of(examples.classes[c]) == "live"; };
  BoardCalls calls;
  for (const Verdict& verdict : verdicts) {
    if (!is_call(verdict.judged.answer) || double{verdict.judged.confidence} < confidence) continue;
    const uint64_t packets = examples.flows[verdict.flow].packets;
    const bool right = is_call(verdict.judged.truth);
    calls.flows_called += 1;
    calls.flows_right += right ? 1 : 0;
    calls.packets_called += packets;
    calls.packets_right += right ? packets : 0;
  }
  return calls;
}

/// The model's answers for the test rows; sets the confidence below which it abstains.
std::vector<float> ask_model(const BoardData& data, const UnitRows& rows,
                             const BoardOptions& options, double& confidence) {
  const ExampleSet& examples = data.examples;
  LearnerOptions how;
  how.seed = options.seed;
  how.show_progress = false;
  const auto learner = options.learners.make(options.learner, how, options.spec);
  learner->learn(examples, rows.train, rows.validation);
  std::vector<uint32_t> labels;
  for (const uint32_t row : rows.validation) labels.push_back(examples.info(row).class_index);
  const auto abstention =
      choose_abstention(learner->probabilities(examples, rows.validation), labels,
                        static_cast<uint32_t>(examples.classes.size()), options.target_accuracy);
  confidence = abstention ? abstention->threshold : 0;
  return learner->probabilities(examples, rows.test);
}

std::vector<float> ask_neighbours(const BoardData& data, const UnitRows& rows,
                                  const BoardOptions& options) {
  const bool counts = options.spec.values() == ValueKind::count;
  return Neighbours(data.examples, rows.train, {options.neighbours, counts})
      .probabilities(rows.test);
}

}  // namespace

BoardResult run_board_unit(const BoardData& data, const BoardUnit& unit,
                           const BoardOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const ExampleSet& examples = data.examples;
  BoardResult result;
  result.axis = unit.axis;
  result.value = unit.value;
  result.classes = examples.classes;
  const UnitRows rows = deal(examples, unit, options);
  if (const std::string missing = missing_classes(examples, rows.train); !missing.empty()) {
    result.lacks = "nothing else to learn from: " + missing;
    return result;
  }
  const size_t classes = examples.classes.size();
  const Verdicts model =
      verdicts_of(data, rows.test, ask_model(data, rows, options, result.confidence));
  const Verdicts near = verdicts_of(data, rows.test, ask_neighbours(data, rows, options));
  result.train_windows = rows.train.size();
  result.flows = model.whole.size();
  result.early = score_of(model.early, classes, result.confidence);
  result.whole = score_of(model.whole, classes, result.confidence);
  result.early_neighbours = score_of(near.early, classes, 0);
  result.whole_neighbours = score_of(near.whole, classes, 0);
  result.calls = calls_of(examples, model.whole, 0);
  result.answered_calls = calls_of(examples, model.whole, result.confidence);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace flowmark
