#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mark/mark_numbers.h"
#include "net/prefix.h"

namespace flowmark {

enum class MarkMode : uint8_t {
  always,
  unmarked,  ///< only packets that carry DF
  report,    ///< none
};

/// What becomes of marks that came along, and when marks are written. Part of what workers run:
/// immutable, replaced as a whole.
struct Marking {
  MarkMode mode = MarkMode::always;
  std::optional<Dscp> fallback = dscp::kDefault;  ///< instead of a live mark; nullopt: as it came
  std::optional<Dscp> wash;     ///< of packets without a verdict; nullopt: as they came
  bool pcp = false;             ///< the VLAN tag's priority follows the mark
  std::vector<Prefix> trusted;  ///< marks that these send stay

  friend bool operator==(const Marking&, const Marking&) = default;
};

}  // namespace flowmark
