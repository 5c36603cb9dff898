#include "daemon/flowmarkd/load_job.h"

#include <algorithm>

#include "base/error.h"
#include "runtime/model_store.h"

namespace flowmark {
namespace {

void stamp(const std::filesystem::path& file, LoadResult& result) {
  if (std::ranges::find(result.files, file, &WatchedFile::path) != result.files.end()) return;
  result.files.push_back({file, stamp_of(file)});
}

void build(const LoadJob& job, LoadResult& result) {
  const uint64_t generation = job.running->generation() + 1;
  std::shared_ptr<const ModelSet> set;
  if (job.kind == LoadKind::rollback) {
    if (job.previous == nullptr) fail("there is no earlier model set to go back to");
    set = renew(*job.previous, *job.running, generation);
  } else {
    if (job.kind == LoadKind::settings) {
      stamp(job.settings.file, result);
      result.settings = load_settings(job.settings.file);
    }
    const Settings& wanted = result.settings ? *result.settings : job.settings;
    for (const auto& file : files_of(wanted)) stamp(file, result);
    LentModels lent{job.running.get(), job.rolled_back, {}};
    set = load_models(wanted, generation, &lent);
    result.kept = std::move(lent.kept);
  }
  result.unchanged = job.kind != LoadKind::rollback && same_models(*set, *job.running);
  result.publication = Publication(std::move(set), result.unchanged ? 0 : job.workers);
}

}  // namespace

LoadResult load(const LoadJob& job) noexcept {
  LoadResult result;
  result.kind = job.kind;
  try {
    build(job, result);
  } catch (const std::exception& error) {
    result.refusal = error.what();
  }
  return result;
}

std::vector<std::filesystem::path> files_of(const Settings& settings) {
  std::vector<std::filesystem::path> files{settings.file};
  for (const ModelSettings& model : settings.models) {
    files.push_back(model.path);
    if (!settings.trusted_keys.empty()) files.emplace_back(model.path.string() + ".sig");
  }
  return files;
}

}  // namespace flowmark
