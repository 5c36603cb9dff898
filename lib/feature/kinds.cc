#include "feature/kinds.h"

#include "feature/feature_json.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "feature/joint/joint.h"
#include "feature/numbers/flow_numbers.h"
#include "feature/transport/transport.h"

namespace flowmark {

namespace {

/// The kinds that stand for themselves; parts of a joint input may be any of them.
std::vector<FeatureKind> single_kinds() {
  return {
      flowpic_kind(),
      histogram_kind(),
      flow_numbers_kind(),
  };
}

}  // namespace

const std::vector<FeatureKind>& feature_kinds() {
  static const std::vector<FeatureKind> kinds = [] {
    std::vector<FeatureKind> all = single_kinds();
    std::vector<FeatureKind> parts = single_kinds();
    parts.push_back(transport_kind());
    all.push_back(joint_kind(std::move(parts)));
    return all;
  }();
  return kinds;
}

const std::vector<std::string>& feature_names() {
  static const std::vector<std::string> names = names_of(feature_kinds());
  return names;
}

}  // namespace flowmark
