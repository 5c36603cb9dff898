#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/flow_key.h"

namespace flowmark {

/// An address or a smaller number, in the order of addresses.
struct RangeKey {
  uint64_t high = 0;
  uint64_t low = 0;

  static RangeKey of(const IpAddress& address) noexcept;
  static RangeKey of(uint16_t number) noexcept { return {0, number}; }
  friend auto operator<=>(const RangeKey&, const RangeKey&) = default;
};

/// Which of some numbered rules hold for a value, as one bit a rule. Each rule has ranges of
/// values; a rule without any holds for all values. The line of values is cut where a range begins
/// or ends, and each piece has its bits: one field of the scheme of Lakshman and Stiliadis
/// ("High-speed policy-based packet forwarding using efficient multi-dimensional range matching",
/// SIGCOMM 1998).
///
/// add() and finish() are the control thread's; find() is the packet path.
class RangeIndex {
 public:
  /// Both ends included.
  void add(size_t rule, RangeKey first, RangeKey last);
  /// After the last add(). Throws Error when the bits would take more than kMostBytes.
  void finish(size_t rules);

  /// Whether any rule has a range; else find() says nothing and must not be called.
  bool is_used() const noexcept { return !starts_.empty(); }
  /// words() words: bit r % 64 of word r / 64 says whether rule r holds. Bits behind the last rule
  /// are 0.
  const uint64_t* find(RangeKey key) const noexcept;
  static constexpr size_t words(size_t rules) noexcept { return (rules + 63) / 64; }

  static constexpr size_t kMostBytes = size_t{128} << 20;

 private:
  struct Edge {
    RangeKey key;
    uint32_t rule = 0;
    bool begins = true;
  };

  std::vector<Edge> edges_;  ///< until finish()
  size_t words_ = 0;
  std::vector<RangeKey> starts_;   ///< of the pieces, ascending, from 0 on
  std::vector<uint32_t> bits_of_;  ///< by piece: which of the sets of bits; equal ones are shared
  std::vector<uint64_t> bits_;     ///< one set behind the other
};

}  // namespace flowmark
