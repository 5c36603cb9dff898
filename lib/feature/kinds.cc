#include "feature/kinds.h"

#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"

namespace flowmark {

const std::vector<FeatureKind>& feature_kinds() {
  static const std::vector<FeatureKind> kinds = {
      flowpic_kind(),
      histogram_kind(),
  };
  return kinds;
}

const std::vector<std::string>& feature_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const FeatureKind& kind : feature_kinds()) {
      all.insert(all.end(), kind.names.begin(), kind.names.end());
    }
    return all;
  }();
  return names;
}

}  // namespace flowmark
