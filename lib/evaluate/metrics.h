#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace flowmark {

/// How right answers are where every label is its own yes or no (Leroux et al. 2018, V). Shares of
/// nothing are 0. Single-label answers: evaluate/confusion.h.
class MultiLabelScores {
 public:
  /// At most 64 labels.
  explicit MultiLabelScores(std::vector<std::string> labels);

  /// One window: sets of labels, bit i for labels()[i].
  void add(uint64_t truth, uint64_t answer);
  /// The answer is yes where the probability is above `threshold`.
  void add(uint64_t truth, std::span<const float> probabilities, float threshold = 0.5F);

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  uint64_t total() const noexcept { return total_; }
  /// Share of windows with every label right.
  double exact_match() const noexcept;
  /// Share of labels, over all windows, that are wrong.
  double hamming_loss() const noexcept;
  uint64_t support(size_t label) const noexcept;
  double precision(size_t label) const noexcept;
  double recall(size_t label) const noexcept;
  double f1(size_t label) const noexcept;
  /// Mean F1 of the labels that occur.
  double macro_f1() const noexcept;

  /// {"count", "exact_match", "hamming_loss", "macro_f1",
  /// "labels": {name: {precision, recall, f1, support}}}
  nlohmann::ordered_json to_json() const;
  /// A table for people: a row per label.
  std::string to_table() const;

 private:
  struct Counts {
    uint64_t hits = 0;    ///< yes and said so
    uint64_t missed = 0;  ///< yes and not said
    uint64_t false_alarms = 0;
  };

  std::vector<std::string> labels_;
  std::vector<Counts> counts_;
  uint64_t total_ = 0;
  uint64_t exact_ = 0;
};

}  // namespace flowmark
