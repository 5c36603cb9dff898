#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace flowmark {

/// Where each element of an ONNX tensor stands in the plan's own order (pictures [y][x][channel]).
/// While nothing has been transposed a rule says it, and costs nothing however large the tensor is.
class ElementOrder {
 public:
  ElementOrder() = default;
  /// `count` elements that stand as they are.
  explicit ElementOrder(size_t count) : cells_(count), size_(count) {}
  /// A picture [channels, cells].
  ElementOrder(size_t channels, size_t cells)
      : channels_(channels), cells_(cells), size_(channels * cells) {}
  explicit ElementOrder(std::vector<uint32_t> places)
      : size_(places.size()), places_(std::move(places)) {}

  size_t size() const noexcept { return size_; }
  uint32_t operator[](size_t i) const noexcept {
    if (!places_.empty()) return places_[i];
    return static_cast<uint32_t>(i % cells_ * channels_ + i / cells_);
  }
  /// True if it is surely the order of a picture of so many channels; false if one has to look.
  bool is_picture(size_t channels) const noexcept {
    return places_.empty() && channels_ == channels;
  }

 private:
  size_t channels_ = 1, cells_ = 1, size_ = 0;
  std::vector<uint32_t> places_;  ///< instead of the rule
};

}  // namespace flowmark
