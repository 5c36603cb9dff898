#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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

/// The names of a model set's models and classes: enough to tell what an event means, also after
/// the models themselves are gone.
struct ModelNames {
  struct Entry {
    std::string name;
    std::vector<std::string> classes;
  };
  std::vector<Entry> models;
  /// "?" for what is unknown; "-" for an abstention.
  std::string class_name(size_t model, size_t class_index) const;
  /// Of a multi-label verdict all classes: "browsing+voip"; else (labels 0) as class_name.
  std::string verdict_name(size_t model, size_t class_index, uint32_t labels) const;
  std::string model_name(size_t model) const;
};

/// The life of the running configuration and its models: read and checked aside, then published to
/// all workers; a bad file is refused and changes nothing. The control thread's, but for what is
/// marked.
class Reloader {
 public:
  /// Loads the models. Files that are refused now leave the daemon without models but running:
  /// forwarding comes before classifying. first_report() tells.
  Reloader(Settings settings, size_t workers);

  const ReloadReport& first_report() const noexcept { return first_; }

  /// Reads the model files again.
  ReloadReport reload_models();
  /// Reads the configuration again, and the models it names.
  ReloadReport reload_settings();
  /// Back to the set before the current one; a second call undoes the first.
  ReloadReport rollback();
  /// Frees sets that no worker runs any more.
  void tick() { publisher_.reclaim(); }

  ModelPublisher& publisher() noexcept { return publisher_; }
  const Settings& settings() const noexcept { return settings_; }
  /// Of recent generations.
  const ModelNames& names(uint64_t generation) const;

  // From any thread.

  std::shared_ptr<const ModelSet> current() const;
  uint64_t count(ReloadOutcome outcome) const noexcept {
    return counts_[static_cast<size_t>(outcome)].load(std::memory_order_relaxed);
  }
  std::string last_refusal() const;

 private:
  ReloadReport take(const Settings& wanted);
  void publish(std::shared_ptr<const ModelSet> set);
  ReloadReport finish(ReloadReport report);

  Settings settings_;
  uint64_t generation_ = 1;
  ModelPublisher publisher_;
  std::shared_ptr<const ModelSet> previous_;
  std::map<uint64_t, ModelNames> names_;
  ReloadReport first_;
  std::array<std::atomic<uint64_t>, static_cast<size_t>(ReloadOutcome::count_)> counts_{};
  mutable std::mutex mutex_;  ///< current_ and last_refusal_: the exporter reads them
  std::shared_ptr<const ModelSet> current_;
  std::string last_refusal_;
};

}  // namespace flowmark
