#pragma once

#include <memory>
#include <vector>

#include "feature/feature_spec.h"

namespace flowmark {

/// Several features of a flow in one input, one behind the other: the parts, each with a window of
/// its own. A part that has a window for each direction stands there twice, up, then down, each as
/// it is at that moment. The tensor is [1, sum of the parts' lengths].
///
/// A window's packets are those of the part that has most. It covers as much as its longest part,
/// and is full when every part that has a limit is full.
using FeatureParts = std::vector<std::shared_ptr<const Feature>>;

/// The specification of such an input. Not checked yet.
FeatureSpec joint(FeatureParts parts);

/// For the list of kinds. `kinds`: what parts may be.
FeatureKind joint_kind(std::vector<FeatureKind> kinds);

/// The joint windows of live flows.
std::unique_ptr<const LiveFeature> live_joint(const FeatureParts& parts);

/// Elements that a part takes: twice its length if each direction has a window.
uint64_t joint_length(const Feature& part) noexcept;

}  // namespace flowmark
