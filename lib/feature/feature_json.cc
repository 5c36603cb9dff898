#include "feature/feature_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "feature/json_object.h"

namespace flowmark {

std::vector<std::string> names_of(std::span<const FeatureKind> kinds) {
  std::vector<std::string> all;
  for (const FeatureKind& kind : kinds) {
    all.insert(all.end(), kind.names.begin(), kind.names.end());
  }
  return all;
}

std::shared_ptr<const Feature> read_feature(std::span<const FeatureKind> kinds, JsonObject& json) {
  const std::vector<std::string> names = names_of(kinds);
  std::string kind;
  json.word("kind", kind, names);
  if (kind.empty()) json.missing("kind", fmt::format("one of {}", fmt::join(names, ", ")));
  std::shared_ptr<const Feature> feature = read_feature(kinds, kind, json);
  json.finish();
  return feature;
}

std::shared_ptr<const Feature> read_feature(std::span<const FeatureKind> kinds,
                                            const std::string& kind, JsonObject& json) {
  for (const FeatureKind& known : kinds) {
    if (std::ranges::find(known.names, kind) != known.names.end()) return known.read(kind, json);
  }
  fail("{}: kind {} is not in the list of kinds", json.where(), kind);
}

nlohmann::ordered_json feature_json(const Feature& feature) {
  nlohmann::ordered_json json{{"kind", feature.kind()}};
  feature.write(json);
  if (feature.values() != ValueKind::number) json["values"] = to_string(feature.values());
  return json;
}

}  // namespace flowmark
