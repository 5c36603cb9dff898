#include "feature/feature_spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "feature/json_object.h"
#include "feature/kinds.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

std::string written(const Feature& feature) {
  Json json{{"kind", feature.kind()}};
  feature.write(json);
  json["values"] = to_string(feature.values());
  return json.dump();
}

std::shared_ptr<const Feature> read(const std::string& name, JsonObject& object) {
  for (const FeatureKind& kind : feature_kinds()) {
    if (std::ranges::find(kind.names, name) != kind.names.end()) return kind.read(name, object);
  }
  fail("{}: kind {} is not in the list of kinds", object.where(), name);
}

std::shared_ptr<const Feature> default_feature() {
  const Json json = Json::object();
  JsonObject object(json, "default", "");
  return read(feature_names().front(), object);
}

}  // namespace

const char* to_string(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::count:
      return "count";
    case ValueKind::binary:
      return "binary";
    case ValueKind::fraction:
      return "fraction";
    case ValueKind::log1p:
      return "log1p";
  }
  return "?";
}

FeatureSpec::FeatureSpec() {
  static const FeatureSpec spec{default_feature()};
  *this = spec;
}

FeatureSpec::FeatureSpec(std::shared_ptr<const Feature> feature)
    : feature_(std::move(feature)), json_(written(*feature_)) {}

FeatureSpec FeatureSpec::from_json(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  JsonObject object(json, where, "");
  if (!json.contains("kind")) {
    object.missing("kind", fmt::format("one of {}", fmt::join(feature_names(), ", ")));
  }
  std::string kind;
  object.word("kind", kind, feature_names());
  const std::shared_ptr<const Feature> feature = read(kind, object);
  object.finish();
  feature->check(where);
  return FeatureSpec(feature);
}

}  // namespace flowmark
