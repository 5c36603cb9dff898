#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "classify/model_set.h"

namespace flowmark {

/// Hands model sets from the control thread to the workers without a lock or a pause
/// (docs/adr/0020-model-publication.md). A worker reads one atomic pointer between bursts and then
/// acknowledges the generation it runs; a set is freed once every worker has acknowledged a newer
/// one. Quiescent-state RCU with the generation as the token.
class ModelPublisher {
 public:
  /// `first` is what the workers start with. Generations must grow with each publish().
  ModelPublisher(size_t workers, std::shared_ptr<const ModelSet> first);

  // Control thread.

  void publish(std::shared_ptr<const ModelSet> set);
  /// Drops the sets no worker can reach any more; returns how many are still waiting.
  size_t reclaim();
  const std::shared_ptr<const ModelSet>& current() const noexcept { return sets_.back(); }
  /// All workers run the current set.
  bool settled() const noexcept;

  // Worker threads.

  const ModelSet* read() const noexcept { return published_.load(std::memory_order_acquire); }
  /// Worker `index` holds nothing older than `set` any more.
  void acknowledge(size_t index, const ModelSet& set) noexcept;
  /// Worker `index` ends and holds nothing at all.
  void leave(size_t index) noexcept;

 private:
  struct alignas(64) Acknowledged {
    std::atomic<uint64_t> generation{0};
  };

  uint64_t oldest_in_use() const noexcept;

  std::atomic<const ModelSet*> published_;
  std::vector<Acknowledged> acknowledged_;
  std::vector<std::shared_ptr<const ModelSet>> sets_;  ///< oldest first; the last one is current
};

}  // namespace flowmark
