#pragma once

// To be included before Highway. Kernels keep their sums in arrays of vectors, which have to know
// their size: on Arm that is NEON.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
