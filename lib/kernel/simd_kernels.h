#pragma once

#include <string>
#include <vector>

#include "kernel/kernels.h"

namespace flowmark {

/// The vectorised sets that this processor can run, the best first. For dispatch.cc.
std::vector<Kernels> simd_kernels();

/// Names of all that were compiled in.
std::vector<std::string> simd_target_names();

}  // namespace flowmark
