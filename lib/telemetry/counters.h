#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace flowmark {

/// A counter with one writer and any number of readers. The writer needs a plain load, add and
/// store, no locked instruction; a reader may come at any time.
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

/// What every histogram keeps: a counter per bucket and the sum of the values. One writer.
template <size_t N>
class HistogramCells {
 public:
  uint64_t bucket(size_t i) const noexcept { return cells_[i].get(); }
  uint64_t sum() const noexcept { return cells_[N].get(); }
  static constexpr size_t size() noexcept { return N; }

  /// The buckets in their order, then the sum.
  std::span<Counter, N + 1> cells() noexcept { return cells_; }
  std::span<const Counter, N + 1> cells() const noexcept { return cells_; }

 protected:
  void count_in(size_t bucket, uint64_t value) noexcept {
    cells_[bucket].add();
    cells_[N].add(value);
  }

 private:
  std::array<Counter, N + 1> cells_{};
};

/// A bound as the metrics page shows it: the values of the buckets 0 to `last_bucket` do not exceed
/// `value`, all others do.
struct HistogramBound {
  size_t last_bucket;
  uint64_t value;
};

/// Bucket i counts values v with 2^(i-1) <= v < 2^i (bucket 0: v = 0), the last one everything
/// above. The unit is the user's.
template <size_t N>
class Log2Histogram : public HistogramCells<N> {
 public:
  void observe(uint64_t value) noexcept {
    const size_t i = static_cast<size_t>(std::bit_width(value));
    this->count_in(i < N ? i : N - 1, value);
  }
  /// Values in bucket i are at most this (the last bucket has no bound).
  static constexpr uint64_t upper_bound(size_t i) noexcept { return i == 0 ? 0 : (1ull << i) - 1; }
  static constexpr HistogramBound bound(size_t i) noexcept { return {i, upper_bound(i)}; }
};

/// N buckets of equal width: bucket i counts values v with i * Width < v <= (i + 1) * Width (bucket
/// 0 also v = 0), the last one everything above. The unit is the user's.
template <size_t N, uint64_t Width>
class LinearHistogram : public HistogramCells<N> {
 public:
  void observe(uint64_t value) noexcept {
    const size_t i = value == 0 ? 0 : (value - 1) / Width;
    this->count_in(i < N ? i : N - 1, value);
  }
  /// Values in bucket i are at most this (the last bucket has no bound).
  static constexpr uint64_t upper_bound(size_t i) noexcept { return (i + 1) * Width; }
  static constexpr HistogramBound bound(size_t i) noexcept { return {i, upper_bound(i)}; }
};

}  // namespace flowmark
