#include "runtime/model_publisher.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {

Publication::Publication(std::shared_ptr<const ModelSet> models, size_t workers)
    : set(std::move(models)) {
  for (size_t i = 0; i < workers; ++i) {
    prepared.push_back(std::make_unique<PreparedModels>(set.get()));
  }
}

ModelPublisher::ModelPublisher(size_t workers, std::shared_ptr<const ModelSet> first)
    : acknowledged_(workers) {
  publications_.push_back(std::make_unique<Publication>(std::move(first), workers));
  published_.store(publications_.back().get(), std::memory_order_release);
}

void ModelPublisher::publish(Publication publication) {
  if (publication.set->generation() <= current()->generation()) {
    fail("model set generation {} is not newer than {}", publication.set->generation(),
         current()->generation());
  }
  publications_.push_back(std::make_unique<Publication>(std::move(publication)));
  published_.store(publications_.back().get(), std::memory_order_release);
  reclaim();
}

void ModelPublisher::publish(std::shared_ptr<const ModelSet> set) {
  publish(Publication(std::move(set), workers()));
}

uint64_t ModelPublisher::oldest_in_use() const noexcept {
  uint64_t oldest = current()->generation();
  for (const Acknowledged& worker : acknowledged_) {
    // Acquire: what the worker did with an older set happened before its acknowledgement.
    oldest = std::min(oldest, worker.generation.load(std::memory_order_acquire));
  }
  return oldest;
}

size_t ModelPublisher::reclaim() {
  const uint64_t oldest = oldest_in_use();
  std::erase_if(publications_, [oldest](const auto& publication) {
    return publication->set->generation() < oldest;
  });
  for (size_t i = 0; i < acknowledged_.size(); ++i) {
    const uint64_t taken = acknowledged_[i].generation.load(std::memory_order_acquire);
    for (const auto& publication : publications_) {
      if (publication->set->generation() <= taken) publication->prepared[i].reset();
    }
  }
  return publications_.size() - 1;
}

bool ModelPublisher::settled() const noexcept {
  return oldest_in_use() == current()->generation();
}

void ModelPublisher::acknowledge(size_t index, const ModelSet& set) noexcept {
  acknowledged_[index].generation.store(set.generation(), std::memory_order_release);
}

void ModelPublisher::leave(size_t index) noexcept {
  acknowledged_[index].generation.store(UINT64_MAX, std::memory_order_release);
}

}  // namespace flowmark
