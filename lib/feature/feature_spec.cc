#include "feature/feature_spec.h"

#include <nlohmann/json.hpp>

#include "feature/feature_json.h"
#include "feature/json_object.h"
#include "feature/kinds.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

std::shared_ptr<const Feature> default_feature() {
  const Json json = Json::object();
  JsonObject object(json, "default", "");
  return read_feature(feature_kinds(), feature_names().front(), object);
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
    case ValueKind::number:
      return "number";
  }
  return "?";
}

FeatureSpec::FeatureSpec() {
  static const FeatureSpec spec{default_feature()};
  *this = spec;
}

FeatureSpec::FeatureSpec(std::shared_ptr<const Feature> feature)
    : feature_(std::move(feature)), json_(feature_json(*feature_).dump()) {}

FeatureSpec FeatureSpec::from_json(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  JsonObject object(json, where, "");
  const std::shared_ptr<const Feature> feature = read_feature(feature_kinds(), object);
  feature->check(where);
  return FeatureSpec(feature);
}

}  // namespace flowmark
