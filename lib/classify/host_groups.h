#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/prefix.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// The number of a group is its place in the list, below kMaxHostGroups.
inline constexpr uint8_t kNoGroup = 0xff;

/// Hosts that the operator counts together.
struct HostGroup {
  std::string name;  ///< labels metrics
  std::vector<Prefix> prefixes;

  friend bool operator==(const HostGroup&, const HostGroup&) = default;
};

/// The first group that has the address, or kNoGroup. Any thread.
inline uint8_t group_of(const std::vector<HostGroup>& groups, const IpAddress& address) noexcept {
  for (size_t group = 0; group < groups.size() && group < kMaxHostGroups; ++group) {
    if (contains(groups[group].prefixes, address)) return static_cast<uint8_t>(group);
  }
  return kNoGroup;
}

}  // namespace flowmark
