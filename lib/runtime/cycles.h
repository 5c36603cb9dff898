#pragma once

#include <chrono>
#include <cstdint>

namespace flowmark {

/// A cheap monotonic counter, for a worker's time: the TSC of x86, the generic timer of arm64,
/// elsewhere nanoseconds. Cores may differ a little, and a virtual machine that moves to another
/// host may see it run back: see cycles_between().
inline uint64_t read_cycles() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t cycles = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(cycles));
  return cycles;
#else
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
#endif
}

/// The frequency of read_cycles() where the architecture tells it; 0: it has to be measured.
inline uint64_t known_cycles_per_second() noexcept {
#if defined(__x86_64__)
  return 0;
#elif defined(__aarch64__)
  uint64_t frequency = 0;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
  return frequency;
#else
  return 1'000'000'000;
#endif
}

/// From one reading to a later one; 0 where the counter ran back.
inline uint64_t cycles_between(uint64_t before, uint64_t after) noexcept {
  return after > before ? after - before : 0;
}

/// Cycles of a counter with some frequency in units of time.
class CycleScale {
 public:
  /// `cycles_per_second`: above 0.
  explicit CycleScale(uint64_t cycles_per_second) noexcept
      : ns_per_cycle_(1e9 / static_cast<double>(cycles_per_second)) {}

  uint64_t to_ns(uint64_t cycles) const noexcept {
    return static_cast<uint64_t>(static_cast<double>(cycles) * ns_per_cycle_);
  }
  uint64_t to_us(uint64_t cycles) const noexcept {
    return static_cast<uint64_t>(static_cast<double>(cycles) * (ns_per_cycle_ / 1000));
  }

 private:
  double ns_per_cycle_;
};

}  // namespace flowmark
