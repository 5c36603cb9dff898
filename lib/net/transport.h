#pragma once

#include "net/dissect.h"

namespace flowmark {

/// Names the flow of d.ip from the header at the offset, and the tunnel to enter if one is asked
/// for.
Step read_transport(Dissection& d) noexcept;

}  // namespace flowmark
