#pragma once

#include <cstdint>
#include <vector>

#include "flow/flow_table.h"

namespace flowmark {

/// A window that is to be read by a model.
struct DueItem {
  FlowId flow = kNoFlow;
  uint32_t serial = 0;  ///< FlowState::serial; another one means that the flow is gone
  uint8_t model = 0;
  uint8_t direction = 0;
  uint32_t ticket = 0;  ///< numbers windows in the order they became due
  TimeUs time_us = 0;   ///< of the packet that made it due
};

/// A bounded queue, oldest first. Memory reserved at construction.
class DueQueue {
 public:
  explicit DueQueue(uint32_t capacity) : items_(capacity > 0 ? capacity : 1) {}

  bool push(const DueItem& item) noexcept {
    if (size_ == items_.size()) return false;
    items_[(head_ + size_) % items_.size()] = item;
    ++size_;
    return true;
  }
  bool pop(DueItem& item) noexcept {
    if (size_ == 0) return false;
    item = items_[head_];
    head_ = (head_ + 1) % items_.size();
    --size_;
    return true;
  }
  /// The item that `ahead` pops from now will take; nullptr when there are not so many.
  const DueItem* peek(size_t ahead) const noexcept {
    return ahead < size_ ? &items_[(head_ + ahead) % items_.size()] : nullptr;
  }
  size_t size() const noexcept { return size_; }
  size_t capacity() const noexcept { return items_.size(); }
  void clear() noexcept { size_ = 0; }

 private:
  std::vector<DueItem> items_;
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace flowmark
