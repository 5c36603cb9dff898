#pragma once

#include <cstdint>
#include <optional>

namespace flowmark {

/// What a policy of the operator allows its flows with an expedited mark, beside LiveLimits. Rates
/// are bytes a second on the wire, both directions together.
struct LiveCaps {
  static constexpr uint16_t kNoGroup = 0;
  static constexpr uint16_t kMostGroups = 1 << 14;  ///< numbered from 1 on

  std::optional<uint64_t> host{};  ///< of one host, in place of LiveLimits::expedited_host; 0: none
  std::optional<uint64_t> total{};  ///< of all flows of `group`
  uint16_t group = kNoGroup;        ///< flows that share `total`

  bool has_any() const noexcept { return host || total; }
  friend bool operator==(const LiveCaps&, const LiveCaps&) = default;
};

}  // namespace flowmark
