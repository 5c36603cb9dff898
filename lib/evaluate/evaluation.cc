#include "evaluate/evaluation.h"

#include <algorithm>
#include <functional>

namespace flowmark {
namespace {

uint32_t likeliest(std::span<const float> probabilities) {
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  return static_cast<uint32_t>(best - probabilities.begin());
}

}  // namespace

std::vector<float> mean_of_prefix(std::span<const Answer> answers, uint16_t prefix) {
  std::vector<float> sum;
  float count = 0;
  for (const Answer& answer : answers) {
    if (answer.info.prefix != prefix) continue;
    sum.resize(answer.probabilities.size(), 0);
    std::transform(sum.begin(), sum.end(), answer.probabilities.begin(), sum.begin(),
                   std::plus<float>());
    count += 1;
  }
  for (float& probability : sum) probability /= count;
  return sum;
}

std::vector<float> mean_of_flow(std::span<const Answer> answers) {
  static_assert(ExampleInfo::kTile == UINT16_MAX, "full windows come before the longest prefix");
  const auto most = std::max_element(
      answers.begin(), answers.end(),
      [](const Answer& a, const Answer& b) { return a.info.prefix < b.info.prefix; });
  return mean_of_prefix(answers, most->info.prefix);
}

Evaluation::Evaluation(std::vector<std::string> classes, std::vector<FlowPrefix> prefixes)
    : windows_(classes), flows_(classes) {
  for (const FlowPrefix& prefix : prefixes) {
    at_prefixes_.push_back({prefix, Confusion(classes), 0, 0, {}});
  }
}

void Evaluation::judge_prefix(uint32_t truth, const Answer& answer, uint32_t group) {
  const uint32_t top = likeliest(answer.probabilities);
  AtPrefix& at = at_prefixes_.at(answer.info.prefix);
  at.confusion.add(truth, top);
  at.judgements.push_back({group, truth, top, answer.probabilities[top]});
  at.reached += answer.info.repeat ? 0 : 1;
  at.mean_confidence += static_cast<double>(answer.probabilities[top]);
}

void Evaluation::judge_flow(uint32_t truth, std::span<const float> probabilities, uint32_t group) {
  const uint32_t top = likeliest(probabilities);
  flows_.add(truth, top);
  flow_judgements_.push_back({group, truth, top, probabilities[top]});
}

void Evaluation::add_flow(uint32_t truth, std::span<const Answer> answers, uint32_t group) {
  if (answers.empty()) {
    return;
  }
  if (group == kOwnGroup) {
    group = static_cast<uint32_t>(flow_judgements_.size());
  }
  for (const Answer& answer : answers) {
    answers_ += answer.info.repeat ? 0 : 1;
    unfamiliar_ += !answer.info.repeat && answer.unfamiliar ? 1 : 0;
    if (answer.info.prefix != ExampleInfo::kTile) {
      judge_prefix(truth, answer, group);
      continue;
    }
    const uint32_t top = likeliest(answer.probabilities);
    windows_.add(truth, top);
    window_judgements_.push_back({group, truth, top, answer.probabilities[top]});
    window_confidence_ += static_cast<double>(answer.probabilities[top]);
  }
  judge_flow(truth, mean_of_flow(answers), group);
}

void Evaluation::add_vote(uint32_t truth, std::span<const Answer> prefixes,
                          std::span<const float> probabilities, uint32_t group) {
  if (group == kOwnGroup) {
    group = static_cast<uint32_t>(flow_judgements_.size());
  }
  for (const Answer& answer : prefixes) judge_prefix(truth, answer, group);
  judge_flow(truth, probabilities, group);
}

double Evaluation::mean_confidence() const noexcept {
  if (windows_.total() > 0) {
    return window_confidence_ / static_cast<double>(windows_.total());
  }
  if (at_prefixes_.empty() || at_prefixes_.back().confusion.total() == 0) {
    return 0;
  }
  return at_prefixes_.back().mean_confidence /
         static_cast<double>(at_prefixes_.back().confusion.total());
}

}  // namespace flowmark
