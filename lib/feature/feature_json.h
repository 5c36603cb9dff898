#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "feature/feature.h"

namespace flowmark {

/// All names of some kinds, in their order.
std::vector<std::string> names_of(std::span<const FeatureKind> kinds);

/// Reads a specification of one of the kinds: "kind", then the keys of that kind, and no others.
/// Throws Error naming the key, the value and what would be right. Does not check ranges.
std::shared_ptr<const Feature> read_feature(std::span<const FeatureKind> kinds, JsonObject& json);

/// The same with the kind given and its keys alone; unknown keys are not looked for.
std::shared_ptr<const Feature> read_feature(std::span<const FeatureKind> kinds,
                                            const std::string& kind, JsonObject& json);

/// The JSON form with all keys of its kind; read_feature gives an equal specification back.
nlohmann::ordered_json feature_json(const Feature& feature);

}  // namespace flowmark
