#pragma once

#include <cstdint>

namespace flowmark {

/// SplitMix64's output function (Steele, Lea, Flood 2014).
constexpr uint64_t mix64(uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// Random numbers by name instead of by order: what a number is for goes into the key, so that
/// neither threads nor interruptions change it.
class KeyedRandom {
 public:
  explicit constexpr KeyedRandom(uint64_t seed) noexcept : key_(mix64(seed + kStep)) {}

  /// The generator for one use among many.
  constexpr KeyedRandom sub(uint64_t use) const noexcept {
    return KeyedRandom(key_ ^ (use * 0xd1342543de82ef95ULL));
  }
  constexpr uint64_t bits(uint64_t index) const noexcept {
    return mix64(key_ + (index + 1) * kStep);
  }
  /// In [0, 1).
  constexpr double uniform(uint64_t index) const noexcept {
    return static_cast<double>(bits(index) >> 11) * 0x1.0p-53;
  }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15ULL;
  uint64_t key_;
};

}  // namespace flowmark
