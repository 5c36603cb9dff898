#pragma once

#include <cstdint>

namespace flowmark {

/// Microseconds. As a point in time: since the Unix epoch.
using TimeUs = int64_t;

inline constexpr TimeUs kUsPerMs = 1000;
inline constexpr TimeUs kUsPerSecond = 1'000'000;

}  // namespace flowmark
