#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace flowmark {

/// A counter with one writer and any number of readers: a plain load, add and store for the writer
/// (no locked instruction), race-free for those who read it.
class Counter {
 public:
  void add(uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(uint64_t v) noexcept { value_.store(v, std::memory_order_relaxed); }
  uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// A histogram with one writer: bucket i counts values v with 2^(i-1) <= v < 2^i (bucket 0: v = 0),
/// the last one everything above. The unit is the user's.
template <size_t N>
class Log2Histogram {
 public:
  void observe(uint64_t value) noexcept {
    const size_t i = static_cast<size_t>(std::bit_width(value));
    buckets_[i < N ? i : N - 1].add();
    sum_.add(value);
  }
  uint64_t bucket(size_t i) const noexcept { return buckets_[i].get(); }
  uint64_t sum() const noexcept { return sum_.get(); }
  void reset() noexcept {
    for (Counter& bucket : buckets_) bucket.set(0);
    sum_.set(0);
  }
  static constexpr size_t size() noexcept { return N; }
  /// Values in bucket i are at most this (the last bucket has no bound).
  static constexpr uint64_t upper_bound(size_t i) noexcept { return i == 0 ? 0 : (1ull << i) - 1; }

 private:
  std::array<Counter, N> buckets_{};
  Counter sum_;
};

/// A histogram with one writer and N buckets of equal width: bucket i counts values v with
/// i * Width < v <= (i + 1) * Width (bucket 0 also v = 0), the last one everything above.
template <size_t N, uint64_t Width>
class LinearHistogram {
 public:
  void observe(uint64_t value) noexcept {
    const size_t i = value == 0 ? 0 : (value - 1) / Width;
    buckets_[i < N ? i : N - 1].add();
    sum_.add(value);
  }
  uint64_t bucket(size_t i) const noexcept { return buckets_[i].get(); }
  uint64_t sum() const noexcept { return sum_.get(); }
  void reset() noexcept {
    for (Counter& bucket : buckets_) bucket.set(0);
    sum_.set(0);
  }
  static constexpr size_t size() noexcept { return N; }
  static constexpr uint64_t upper_bound(size_t i) noexcept { return (i + 1) * Width; }

 private:
  std::array<Counter, N> buckets_{};
  Counter sum_;
};

}  // namespace flowmark
