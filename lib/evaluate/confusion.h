#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace flowmark {

/// How often which class was taken for which, and what follows from it. Shares of nothing are 0.
class Confusion {
 public:
  explicit Confusion(std::vector<std::string> classes);

  void add(uint32_t truth, uint32_t answer, uint64_t times = 1);

  const std::vector<std::string>& classes() const noexcept { return classes_; }
  uint64_t count(size_t truth, size_t answer) const noexcept {
    return counts_[truth * classes_.size() + answer];
  }
  uint64_t total() const noexcept;
  uint64_t support(size_t truth) const noexcept;
  double accuracy() const noexcept;
  /// Mean recall of the classes that occur.
  double balanced_accuracy() const noexcept;
  double precision(size_t c) const noexcept;
  double recall(size_t c) const noexcept;
  double f1(size_t c) const noexcept;

  /// {"count", "accuracy", "balanced_accuracy", "classes": {name: {precision, recall, f1,
  /// support}}, "confusion": [truth][answer]}
  nlohmann::ordered_json to_json() const;
  /// A table for people: a row per true class with its precision, recall, F1 and answers.
  std::string to_table() const;

 private:
  std::vector<std::string> classes_;
  std::vector<uint64_t> counts_;
};

}  // namespace flowmark
