#pragma once

#include <string>

#include "base/error.h"
#include "base/time.h"
#include "feature/values.h"

namespace flowmark {

/// Throws Error, beginning with `where`, unless low <= value <= high.
template <typename T>
void check_range(const std::string& where, const std::string& key, T value, T low, T high) {
  if (!(value >= low && value <= high)) {
    fail("{}: {}: {} is out of range, allowed is {} to {}", where, key, value, low, high);
  }
}

/// The range of a window's length: 10 ms to an hour.
inline constexpr TimeUs kMinWindowUs = 10 * kUsPerMs;
inline constexpr TimeUs kMaxWindowUs = 3600 * kUsPerSecond;

inline void check_window(const std::string& where, TimeUs window_us) {
  constexpr double second = kUsPerSecond;
  check_range(where, "window_s", static_cast<double>(window_us) / second, kMinWindowUs / second,
              kMaxWindowUs / second);
}

}  // namespace flowmark
