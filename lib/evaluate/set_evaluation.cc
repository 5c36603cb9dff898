#include "evaluate/set_evaluation.h"

#include <set>

#include "data/label_sets.h"

namespace flowmark {

SetEvaluation::SetEvaluation(std::vector<std::string> labels, std::vector<FlowPrefix> prefixes,
                             std::vector<float> thresholds)
    : thresholds_(std::move(thresholds)), windows_(labels), flows_(labels) {
  thresholds_.resize(labels.size(), 0.5F);
  for (const FlowPrefix& prefix : prefixes) {
    at_prefixes_.push_back({prefix, MultiLabelScores(labels), 0});
  }
}

uint64_t SetEvaluation::answer_of(std::span<const float> probabilities) const noexcept {
  uint64_t set = 0;
  for (size_t c = 0; c < probabilities.size(); ++c) {
    set |= uint64_t{probabilities[c] > thresholds_[c] ? 1U : 0U} << c;
  }
  return set;
}

void SetEvaluation::judge(uint64_t truth, std::span<const float> probabilities, uint32_t group,
                          bool of_flow) {
  const uint64_t answer = answer_of(probabilities);
  (of_flow ? flows_ : windows_).add(truth, answer);
  ++(of_flow ? flow_sets_ : window_sets_)[truth][answer];
  auto& judgements = of_flow ? flow_judgements_ : window_judgements_;
  for (uint32_t c = 0; c < probabilities.size(); ++c) {
    judgements.push_back({group, static_cast<uint32_t>(truth >> c & 1),
                          static_cast<uint32_t>(answer >> c & 1), probabilities[c]});
  }
}

void SetEvaluation::add_flow(uint64_t truth, std::span<const Answer> answers, uint32_t group) {
  if (answers.empty()) {
    return;
  }
  if (group == Evaluation::kOwnGroup) {
    group = flow_count_;
  }
  ++flow_count_;
  for (const Answer& answer : answers) {
    if (answer.info.prefix == ExampleInfo::kTile) {
      judge(truth, answer.probabilities, group, false);
    } else {
      AtPrefix& at = at_prefixes_.at(answer.info.prefix);
      at.scores.add(truth, answer_of(answer.probabilities));
      at.reached += answer.info.repeat ? 0 : 1;
    }
  }
  judge(truth, mean_of_flow(answers), group, true);
}

std::vector<SetEvaluation::TrueSet> SetEvaluation::true_sets() const {
  std::vector<TrueSet> sets;
  for (const auto& [truth, answers] : taken_for()) {
    TrueSet& set = sets.emplace_back();
    set.name = label_set_name(truth, labels());
    for (const auto& [answer, count] : answers) {
      set.count += count;
      if (answer == truth) {
        set.right = count;
      } else if (count > set.worst_count) {
        set.worst = label_set_name(answer, labels());
        set.worst_count = count;
      }
    }
  }
  return sets;
}

SetEvaluation::Intervals SetEvaluation::intervals(bool of_flows,
                                                  const BootstrapOptions& bootstrap) const {
  const auto& judgements = of_flows ? flow_judgements_ : window_judgements_;
  const size_t count = labels().size();
  std::vector<Judgement> exact;
  std::vector<Judgement> single;  // class 0: right
  std::set<uint32_t> groups;
  for (size_t i = 0; i < judgements.size(); i += count) {
    uint32_t wrong = 0;
    for (size_t c = 0; c < count; ++c) {
      const Judgement& judgement = judgements[i + c];
      const bool is_wrong = judgement.truth != judgement.answer;
      wrong += is_wrong ? 1 : 0;
      single.push_back({judgement.group, 0, is_wrong ? 1U : 0U, 1});
    }
    exact.push_back({judgements[i].group, 0, wrong > 0 ? 1U : 0U, 1});
    groups.insert(judgements[i].group);
  }
  const auto accuracy = [](const Confusion& confusion) {
    return std::vector<double>{confusion.accuracy()};
  };
  const std::vector<std::string> names = {"right", "wrong"};
  const Interval of_exact = bootstrap_intervals(names, exact, accuracy, bootstrap)[0];
  const Interval of_single = bootstrap_intervals(names, single, accuracy, bootstrap)[0];
  return {of_exact, {1 - of_single.high, 1 - of_single.low}, static_cast<uint32_t>(groups.size())};
}

SetEvaluation evaluate_set_rows(const Model& model, const ExampleSet& examples,
                                std::span<const uint32_t> rows) {
  SetEvaluation evaluation(examples.classes, examples.prefixes, model.label_thresholds);
  const auto scratch = model.engine->make_scratch();
  std::vector<Answer> answers;
  for (size_t i = 0; i < rows.size(); ++i) {
    const ExampleInfo& info = examples.info(rows[i]);
    const auto probabilities = model.engine->run(*scratch, examples.row(rows[i]));
    answers.push_back({info, {probabilities.begin(), probabilities.end()}});
    if (i + 1 == rows.size() || examples.info(rows[i + 1]).flow != info.flow) {
      evaluation.add_flow(info.label_set, answers);
      answers.clear();
    }
  }
  return evaluation;
}

}  // namespace flowmark
