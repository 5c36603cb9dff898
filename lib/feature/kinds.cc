#include "feature/kinds.h"

#include "feature/feature_json.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "feature/numbers/flow_numbers.h"

namespace flowmark {

const std::vector<FeatureKind>& feature_kinds() {
  static const std::vector<FeatureKind> kinds = {
      flowpic_kind(),
      histogram_kind(),
      flow_numbers_kind(),
  };
  return kinds;
}

const std::vector<std::string>& feature_names() {
  static const std::vector<std::string> names = names_of(feature_kinds());
  return names;
}

}  // namespace flowmark
