#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/flowmarkd/load_thread.h"
#include "runtime/model_publisher.h"
#include "settings/settings.h"

namespace flowmark {

enum class ReloadOutcome : uint8_t { loaded, unchanged, refused, rolled_back, count_ };
const char* to_string(ReloadOutcome outcome) noexcept;

/// What a reload did, for the log and for `ctl`.
struct ReloadReport {
  ReloadOutcome outcome = ReloadOutcome::unchanged;
  uint64_t generation = 0;                 ///< running afterwards
  std::string message;                     ///< one line; several for a refused configuration
  std::vector<std::string> needs_restart;  ///< keys that differ but cannot change live
};

/// The names of a model set's models, classes and policies: enough to tell what an event means,
/// also after the models themselves are gone.
struct ModelNames {
  struct Entry {
    std::string name;
    std::vector<std::string> classes;
    std::string sha256 = {};  ///< of its file, in hex
  };
  std::vector<Entry> models;
  std::vector<std::string> policies{};
  /// "?" for what is unknown; "-" for an abstention.
  std::string class_name(size_t model, size_t class_index) const;
  /// Of a multi-label verdict all classes: "browsing+voip"; else (labels 0) as class_name.
  std::string verdict_name(size_t model, size_t class_index, uint32_t labels) const;
  std::string model_name(size_t model) const;
  /// "policies[2]", and behind it the policy's name if it has one.
  std::string policy_name(size_t place) const;
};

/// The life of the running configuration and its models: read, checked and built by a thread of its
/// own, then published to all workers; a bad file is refused and changes nothing. The control
/// thread's, but for what is marked.
class Reloader {
 public:
  /// A request that was answered.
  struct Finished {
    uint64_t number = 0;
    ReloadReport report;
  };

  /// Loads the models. Files that are refused now leave the daemon without models but running:
  /// forwarding comes before classifying. first_report() tells.
  Reloader(Settings settings, size_t workers);

  const ReloadReport& first_report() const noexcept { return first_; }

  /// Asks for a reload or a rollback and returns at once, with the number by which finish() will
  /// tell of it. A request joins one of its kind that still waits. It never joins one under way,
  /// which may have read the files already.
  uint64_t request(LoadKind kind);
  /// Readable when finish() has something.
  int descriptor() const noexcept { return thread_.descriptor(); }
  /// Publishes what was loaded, and starts with the next request.
  std::optional<Finished> finish();
  bool is_busy() const noexcept { return !requests_.empty(); }

  /// Frees sets that no worker runs any more.
  void tick() { publisher_.reclaim(); }

  /// What finish() or the start has read, stamped before.
  const std::vector<WatchedFile>& files() const noexcept { return files_; }
  ModelPublisher& publisher() noexcept { return publisher_; }
  const Settings& settings() const noexcept { return settings_; }
  /// Of recent generations.
  const ModelNames& names(uint64_t generation) const;
  /// Of all models that have run.
  const ClassNames& class_names() const noexcept { return class_names_; }

  // From any thread.

  std::shared_ptr<const ModelSet> current() const;
  /// names(), to be kept; nullptr for a generation that is not known.
  std::shared_ptr<const ModelNames> shared_names(uint64_t generation) const;
  uint64_t count(ReloadOutcome outcome) const noexcept {
    return counts_[static_cast<size_t>(outcome)].load(std::memory_order_relaxed);
  }
  std::string last_refusal() const;

 private:
  struct Request {
    uint64_t number = 0;
    LoadKind kind = LoadKind::models;
  };

  LoadResult load_at_start() const;
  LoadJob job(LoadKind kind) const;
  ReloadReport apply(LoadResult result);
  void take_over(LoadResult& result, ReloadReport& report);
  void roll_back(LoadResult& result, ReloadReport& report);
  void adopt(Settings wanted, ReloadReport& report);
  void publish(Publication publication);
  ReloadReport count(ReloadReport report);

  Settings settings_;
  uint64_t generation_ = 1;
  ModelPublisher publisher_;
  std::shared_ptr<const ModelSet> previous_;  ///< a rollback goes back to it
  std::shared_ptr<const ModelSet>
      rolled_back_;                          ///< came from it; nullptr: the last was no rollback
  std::set<std::string> rolled_back_files_;  ///< SHA-256
  std::vector<WatchedFile> files_;
  ClassNames class_names_;
  ReloadReport first_;
  std::deque<Request> requests_;  ///< the first is under way
  uint64_t next_number_ = 1;
  std::array<std::atomic<uint64_t>, static_cast<size_t>(ReloadOutcome::count_)> counts_{};
  mutable std::mutex mutex_;  ///< of the next three, which other threads read
  std::map<uint64_t, std::shared_ptr<const ModelNames>> names_;
  std::shared_ptr<const ModelSet> current_;
  std::string last_refusal_;
  LoadThread thread_;  ///< ends first
};

}  // namespace flowmark
