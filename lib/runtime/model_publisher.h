#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "classify/model_set.h"
#include "classify/prepared_models.h"

namespace flowmark {

/// A model set with the memory that each worker needs for it, ready to be published.
struct Publication {
  Publication() = default;
  /// Prepares `workers` workers. Throws what PreparedModels() throws.
  Publication(std::shared_ptr<const ModelSet> models, size_t workers);

  std::shared_ptr<const ModelSet> set;
  std::vector<std::unique_ptr<PreparedModels>> prepared;  ///< by worker
};

/// Hands model sets from the control thread to the workers without a lock or a pause
/// (docs/adr/0020-model-publication.md). A worker reads one atomic pointer between bursts, swaps
/// its memory for what was prepared for it, and then acknowledges the generation it runs. What it
/// had before, and sets that no worker can reach any more, are freed by the control thread.
/// Quiescent-state RCU with the generation as the token.
class ModelPublisher {
 public:
  /// `first` is what the workers start with. Generations must grow with each publish().
  ModelPublisher(size_t workers, std::shared_ptr<const ModelSet> first);

  // Control thread.

  /// Throws Error, and changes nothing, if the set is not newer than the current one.
  void publish(Publication publication);
  /// Prepares the workers here and now.
  void publish(std::shared_ptr<const ModelSet> set);
  /// Frees what no worker can reach any more; returns how many sets still wait for a worker to
  /// leave them.
  size_t reclaim();
  const std::shared_ptr<const ModelSet>& current() const noexcept {
    return publications_.back()->set;
  }
  /// All workers run the current set.
  bool settled() const noexcept;
  size_t workers() const noexcept { return acknowledged_.size(); }

  // Worker threads.

  /// Worker `index` may change Publication::prepared[index] until it acknowledges.
  const Publication* read() const noexcept { return published_.load(std::memory_order_acquire); }
  /// Worker `index` holds nothing older than `set`, and nothing of what was prepared for it.
  void acknowledge(size_t index, const ModelSet& set) noexcept;
  /// Worker `index` ends and holds nothing at all.
  void leave(size_t index) noexcept;

 private:
  struct alignas(64) Acknowledged {
    std::atomic<uint64_t> generation{0};
  };

  uint64_t oldest_in_use() const noexcept;

  std::atomic<const Publication*> published_;
  std::vector<Acknowledged> acknowledged_;
  /// Oldest first; the last one is current.
  std::vector<std::unique_ptr<Publication>> publications_;
};

}  // namespace flowmark
