#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "classify/model_set.h"
#include "settings/settings.h"

namespace flowmark {

/// What a running set gives to the next one.
struct LentModels {
  /// Lends models whose file has not changed (same path and SHA-256), so that flows keep their
  /// windows.
  const ModelSet* running = nullptr;
  /// SHA-256 of files that were rolled back: where one of them lies, the running model of that name
  /// stays.
  std::set<std::string> rolled_back;
  std::vector<std::string> kept;  ///< filled in: the names of models that stayed so
};

/// The set of models a configuration asks for: files read, checked, and joined with policy and
/// marks. Throws Error naming the file and the reason; nothing is changed then.
std::shared_ptr<const ModelSet> load_models(const Settings& settings, uint64_t generation,
                                            LentModels* lent = nullptr);

/// A set without models: everything is forwarded unclassified.
std::shared_ptr<const ModelSet> no_models(uint64_t generation, const Settings& settings = {});

/// The same models and marks under a new generation, for rollback. `running`: the set that they
/// follow.
std::shared_ptr<const ModelSet> renew(const ModelSet& set, const ModelSet& running,
                                      uint64_t generation);

/// True when both run the same files with the same conditions, rules of marking and policies.
bool same_models(const ModelSet& a, const ModelSet& b);

/// Where models and the map of classes do not fit, as "KEY: ...": classes of the map that no model
/// gives, or models that mark none of whose classes is in the map. Without models none.
std::vector<std::string> class_faults(const Settings& settings, const ModelSet& set);

/// What is likely not as the configuration means it, for warnings, as "KEY: ...": class_faults(),
/// and a reduced precision that a model does not run with.
std::vector<std::string> remarks(const Settings& settings, const ModelSet& set);

}  // namespace flowmark
