#pragma once

#include "feature/feature.h"

namespace flowmark {

/// Which transport carries a flow: [1, 4], a 1 in the place of UDP, TCP, ESP or another, all 0
/// where it is not known. For the parts of a joint input. Its packets are those of the flow's ring.
FeatureKind transport_kind();

}  // namespace flowmark
