#include "train/evaluation.h"

#include <algorithm>

namespace flowmark {
namespace {

uint32_t likeliest(std::span<const float> probabilities) {
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  return static_cast<uint32_t>(best - probabilities.begin());
}

}  // namespace

Evaluation::Evaluation(std::vector<std::string> classes, std::vector<FlowPrefix> prefixes)
    : windows_(classes), flows_(classes) {
  for (const FlowPrefix& prefix : prefixes) {
    at_prefixes_.push_back({prefix, Confusion(classes), 0, 0, {}});
  }
}

void Evaluation::add_flow(uint32_t truth, std::span<const Answer> answers, uint32_t group) {
  if (group == kOwnGroup) {
    group = static_cast<uint32_t>(flow_judgements_.size());
  }
  std::vector<float> tiles(windows_.classes().size(), 0);
  std::vector<float> longest(tiles.size(), 0);
  uint16_t longest_prefix = 0;
  bool any_tile = false;
  float tile_count = 0;
  float longest_count = 0;
  for (const Answer& answer : answers) {
    const uint32_t top = likeliest(answer.probabilities);
    const auto confidence = static_cast<double>(answer.probabilities[top]);
    const Judgement judgement{group, truth, top, answer.probabilities[top]};
    const bool tile = answer.info.prefix == ExampleInfo::kTile;
    if (tile) {
      any_tile = true;
      tile_count += 1;
      windows_.add(truth, top);
      window_judgements_.push_back(judgement);
      window_confidence_ += confidence;
    } else {
      AtPrefix& at = at_prefixes_.at(answer.info.prefix);
      at.confusion.add(truth, top);
      at.judgements.push_back(judgement);
      at.reached += answer.info.repeat ? 0 : 1;
      at.mean_confidence += confidence;
      if (answer.info.prefix > longest_prefix) {  // the other direction's may come later
        longest_prefix = answer.info.prefix;
        std::fill(longest.begin(), longest.end(), 0.0F);
        longest_count = 0;
      }
      if (answer.info.prefix < longest_prefix) {
        continue;
      }
      longest_count += 1;
    }
    std::vector<float>& sum = tile ? tiles : longest;
    std::transform(sum.begin(), sum.end(), answer.probabilities.begin(), sum.begin(),
                   std::plus<float>());
  }
  if (!answers.empty()) {
    const std::vector<float>& sum = any_tile ? tiles : longest;
    const uint32_t top = likeliest(sum);
    flows_.add(truth, top);
    flow_judgements_.push_back(
        {group, truth, top, sum[top] / (any_tile ? tile_count : longest_count)});
  }
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
