#include "runtime/model_publisher.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {

ModelPublisher::ModelPublisher(size_t workers, std::shared_ptr<const ModelSet> first)
    : published_(first.get()), acknowledged_(workers), sets_{std::move(first)} {}

void ModelPublisher::publish(std::shared_ptr<const ModelSet> set) {
  if (set->generation() <= current()->generation()) {
    fail("model set generation {} is not newer than {}", set->generation(),
         current()->generation());
  }
  sets_.push_back(std::move(set));
  published_.store(sets_.back().get(), std::memory_order_release);
  reclaim();
}

uint64_t ModelPublisher::oldest_in_use() const noexcept {
  uint64_t oldest = sets_.back()->generation();
  for (const Acknowledged& worker : acknowledged_) {
    // Acquire: what the worker did with an older set happened before its acknowledgement.
    oldest = std::min(oldest, worker.generation.load(std::memory_order_acquire));
  }
  return oldest;
}

size_t ModelPublisher::reclaim() {
  const uint64_t oldest = oldest_in_use();
  std::erase_if(sets_, [oldest](const auto& set) { return set->generation() < oldest; });
  return sets_.size() - 1;
}

bool ModelPublisher::settled() const noexcept {
  return oldest_in_use() == sets_.back()->generation();
}

void ModelPublisher::acknowledge(size_t index, const ModelSet& set) noexcept {
  acknowledged_[index].generation.store(set.generation(), std::memory_order_release);
}

void ModelPublisher::leave(size_t index) noexcept {
  acknowledged_[index].generation.store(UINT64_MAX, std::memory_order_release);
}

}  // namespace flowmark
