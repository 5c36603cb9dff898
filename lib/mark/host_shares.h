#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace flowmark {

/// How many bytes a second each host has reserved, in a memory of fixed size that workers share
/// without locks: a count-min sketch (Cormode and Muthukrishnan, 2005). Each row has a counter for
/// the host by another part of its hash, and the smallest is the host's share. Hosts that meet in a
/// counter make it too large, never too small: no host gets more than the limit, and one that meets
/// others in every row may get less. Any thread; noexcept, for the packet path.
class HostShares {
 public:
  HostShares();

  /// Adds `rate` to the host's share; false, and nothing added, if that exceeds `limit`. Two
  /// workers that ask at the same moment may both be refused where one would have had room. `host`
  /// is a hash of its address, well mixed in all bits.
  bool reserve(uint64_t host, uint64_t rate, uint64_t limit) noexcept;
  /// Gives back what was reserved.
  void release(uint64_t host, uint64_t rate) noexcept;
  /// The host's share as the sketch has it.
  uint64_t reserved(uint64_t host) const noexcept;

 private:
  static constexpr uint32_t kRows = 2;
  /// Of a hundred hosts at their limit, another one meets some in both rows once in 27,000 times.
  static constexpr uint32_t kColumns = 1U << 14;
  using Row = std::array<std::atomic<uint64_t>, kColumns>;

  static uint32_t column(uint64_t host, uint32_t row) noexcept {
    return static_cast<uint32_t>(host >> (32 * row)) % kColumns;
  }

  std::unique_ptr<std::array<Row, kRows>> rows_;
};

}  // namespace flowmark
