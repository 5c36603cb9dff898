#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "feature/live_feature.h"

namespace flowmark {

/// Reads the windows of a joint input, one after the other, and puts them one behind the other in
/// the tensor. One per thread.
class JointReader final : public FeatureReader {
 public:
  /// `most_values`: the most values of any window.
  explicit JointReader(size_t most_values) { window_.reserve(most_values); }

  /// Adds what reads the next window, whose elements begin at `first` in the tensor. Allocates.
  void add(std::unique_ptr<FeatureReader> reader, uint32_t first) {
    windows_.push_back({std::move(reader), first});
  }
  /// What reads the i-th window: to be begun after begin().
  FeatureReader& of(size_t i) noexcept { return *windows_[i].reader; }

  /// Starts with the first window.
  void begin() noexcept;
  bool step(uint32_t pieces, SparseWindow& out) noexcept override;

 private:
  struct Window {
    std::unique_ptr<FeatureReader> reader;
    uint32_t first = 0;
  };

  std::vector<Window> windows_;
  SparseWindow window_;  ///< the one at at_, as its reader writes it
  size_t at_ = 0;
  size_t taken_ = 0;      ///< values of it that `out` has
  bool is_read_ = false;  ///< window_ is complete
};

}  // namespace flowmark
