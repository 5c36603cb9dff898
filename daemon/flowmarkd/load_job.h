#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/flowmarkd/file_watch.h"
#include "runtime/model_publisher.h"
#include "settings/settings.h"

namespace flowmark {

enum class LoadKind : uint8_t {
  models,    ///< the model files again
  settings,  ///< the configuration file, and the models that it names
  rollback,  ///< the set before the running one
};

/// Everything that takes time of a reload: what it needs, and what comes out. Nothing in it is
/// shared with the control thread.
struct LoadJob {
  LoadKind kind = LoadKind::models;
  Settings settings;                         ///< that run now
  std::shared_ptr<const ModelSet> running;   ///< lends models whose files have not changed
  std::shared_ptr<const ModelSet> previous;  ///< for a rollback; nullptr: there is none
  std::set<std::string> rolled_back;         ///< SHA-256 of files that are not taken
  size_t workers = 0;
};

struct LoadResult {
  LoadKind kind = LoadKind::models;
  std::string refusal;               ///< not empty: nothing is to change
  std::optional<Settings> settings;  ///< as read, of LoadKind::settings
  bool unchanged = false;            ///< the models are as they were; nothing is prepared
  Publication publication;
  std::vector<std::string> kept;   ///< models whose file was rolled back
  std::vector<WatchedFile> files;  ///< that were to be read, stamped before
};

/// Reads, checks and builds. All errors end in LoadResult::refusal. The set's generation is one
/// above the running one's.
LoadResult load(const LoadJob& job) noexcept;

/// The configuration file, its models and, if these must be signed, their signatures.
std::vector<std::filesystem::path> files_of(const Settings& settings);

}  // namespace flowmark
