#include "evaluate/metrics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "evaluate/mean.h"

namespace flowmark {
MultiLabelScores::MultiLabelScores(std::vector<std::string> labels)
    : labels_(std::move(labels)), counts_(labels_.size()) {
  if (labels_.empty() || labels_.size() > 64) {
    fail("{} labels: must be 1..64", labels_.size());
  }
}

void MultiLabelScores::add(uint64_t truth, uint64_t answer) {
  ++total_;
  bool all_right = true;
  for (size_t i = 0; i < labels_.size(); ++i) {
    const bool is = (truth >> i & 1) != 0;
    const bool said = (answer >> i & 1) != 0;
    counts_[i].hits += is && said ? 1 : 0;
    counts_[i].missed += is && !said ? 1 : 0;
    counts_[i].false_alarms += !is && said ? 1 : 0;
    all_right = all_right && is == said;
  }
  exact_ += all_right ? 1 : 0;
}

void MultiLabelScores::add(uint64_t truth, std::span<const float> probabilities, float threshold) {
  if (probabilities.size() != labels_.size()) {
    fail("{} probabilities for {} labels", probabilities.size(), labels_.size());
  }
  uint64_t answer = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    answer |= uint64_t{probabilities[i] > threshold ? 1U : 0U} << i;
  }
  add(truth, answer);
}

double MultiLabelScores::exact_match() const noexcept {
  return share(exact_, total_);
}

double MultiLabelScores::hamming_loss() const noexcept {
  uint64_t wrong = 0;
  for (const Counts& counts : counts_) {
    wrong += counts.missed + counts.false_alarms;
  }
  return share(wrong, total_ * labels_.size());
}

uint64_t MultiLabelScores::support(size_t label) const noexcept {
  return counts_[label].hits + counts_[label].missed;
}

double MultiLabelScores::precision(size_t label) const noexcept {
  return share(counts_[label].hits, counts_[label].hits + counts_[label].false_alarms);
}

double MultiLabelScores::recall(size_t label) const noexcept {
  return share(counts_[label].hits, support(label));
}

double MultiLabelScores::f1(size_t label) const noexcept {
  const Counts& counts = counts_[label];
  return share(2 * counts.hits, 2 * counts.hits + counts.missed + counts.false_alarms);
}

double MultiLabelScores::macro_f1() const noexcept {
  double sum = 0;
  uint32_t occur = 0;
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (support(i) > 0) {
      sum += f1(i);
      ++occur;
    }
  }
  return occur == 0 ? 0 : sum / occur;
}

nlohmann::ordered_json MultiLabelScores::to_json() const {
  nlohmann::ordered_json out;
  out["count"] = total_;
  out["exact_match"] = exact_match();
  out["hamming_loss"] = hamming_loss();
  out["macro_f1"] = macro_f1();
  for (size_t i = 0; i < labels_.size(); ++i) {
    out["labels"][labels_[i]] = {
        {"precision", precision(i)}, {"recall", recall(i)}, {"f1", f1(i)}, {"support", support(i)}};
  }
  return out;
}

std::string MultiLabelScores::to_table() const {
  size_t width = 5;
  for (const std::string& label : labels_) {
    width = std::max(width, label.size());
  }
  std::string text = fmt::format("{:{}} {:>9} {:>9} {:>9} {:>9}\n", "label", width, "precision",
                                 "recall", "F1", "windows");
  for (size_t i = 0; i < labels_.size(); ++i) {
    text += fmt::format("{:{}} {:8.2f}% {:8.2f}% {:8.2f}% {:9}\n", labels_[i], width,
                        100 * precision(i), 100 * recall(i), 100 * f1(i), support(i));
  }
  text += fmt::format("exact match {:.2f}%, Hamming loss {:.2f}%, {} windows\n",
                      100 * exact_match(), 100 * hamming_loss(), total_);
  return text;
}

}  // namespace flowmark
