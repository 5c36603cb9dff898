#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mark/dscp.h"
#include "mark/live_mark.h"

namespace flowmark {

/// What is written into a flow's packets. nullopt ("keep"): they stay as they came.
struct MarkPair {
  std::optional<Dscp> to_wan;
  std::optional<Dscp> to_lan;

  MarkPair() = default;
  /// The same in both directions.
  MarkPair(std::optional<Dscp> both) : to_wan(both), to_lan(both) {}
  MarkPair(Dscp both) : to_wan(both), to_lan(both) {}
  MarkPair(std::optional<Dscp> wan, std::optional<Dscp> lan) : to_wan(wan), to_lan(lan) {}

  friend bool operator==(const MarkPair&, const MarkPair&) = default;
};

/// Numbers pairs of marks, so that a flow keeps its pair in one byte. 0 to 63 is that code point in
/// both directions; other pairs get a number when they are first asked for, and keep it. A flow
/// keeps its number when the maps change, so each new set of maps goes on with the numbers of the
/// one before.
///
/// number_of() is the control thread's; a finished object is read by workers.
class MarkNumbers {
 public:
  static constexpr uint8_t kKeep = 0xfe;  ///< there is a verdict, and packets stay as they came
  static constexpr uint8_t kNone = 0xff;  ///< no verdict
  static constexpr uint8_t kAsItCame = 0xff;

  /// What the packet path needs of a pair.
  struct Entry {
    uint8_t to_wan = kAsItCame;  ///< DSCP, or kAsItCame
    uint8_t to_lan = kAsItCame;
    LiveMark live = LiveMark::none;  ///< the higher one of both: what the flow is admitted to
  };

  MarkNumbers();

  /// The pair's number. Throws Error when all numbers are taken.
  uint8_t number_of(const MarkPair& pair);
  const Entry& operator[](uint8_t number) const noexcept { return entries_[number]; }
  /// Whether packets of the pair `a` are served before those of `b`, towards WAN; where that says
  /// nothing, towards LAN. Any mark goes before "as it came".
  bool precedes(uint8_t a, uint8_t b) const noexcept;

 private:
  static constexpr uint8_t kFirstPair = 64;

  std::array<Entry, 256> entries_;
  uint8_t next_ = kFirstPair;
};

}  // namespace flowmark
