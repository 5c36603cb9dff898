#pragma once

#include <chrono>
#include <cstdint>

namespace flowmark {

/// A cheap monotonic tick for accounting of a worker's time: the TSC, elsewhere nanoseconds.
inline uint64_t read_cycles() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

}  // namespace flowmark
