#pragma once

#include <string>
#include <vector>

#include "feature/feature.h"

namespace flowmark {

/// All kinds of features that stand for themselves: not those that are parts of others only. The
/// first name of the first kind is what a FeatureSpec is by default.
const std::vector<FeatureKind>& feature_kinds();

/// All names of all kinds, in the order of the list.
const std::vector<std::string>& feature_names();

}  // namespace flowmark
