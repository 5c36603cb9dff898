#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "actuator/mark_keeper.h"
#include "actuator/mark_layout.h"
#include "actuator/messages.h"
#include "daemon/flowmark-conntrack/conntrack_entry.h"
#include "daemon/netlink/netlink.h"

namespace flowmark {

/// The marks of connection tracking's entries. An entry is found by the tuple of either side of
/// NAT, from either end. Only the bits of the layout's mask are written. One thread.
class ConntrackStore final : public MarkStore {
 public:
  /// Throws Error if the kernel lets this process not change connection tracking.
  ConntrackStore(const MarkLayout& layout, ActuatorCounters& counters, Messages& messages);

  void set(const FlowTuple& flow, Dscp dscp) override;
  void clear(const FlowTuple& flow) override;
  bool commit(Clock::time_point now) override;
  void reconcile(const MarkedFlows& flows) override;

 private:
  struct Change {
    FlowTuple flow;
    uint32_t value;  ///< 0: no mark
  };

  /// Takes away what was found; what is left has no entry under the tuple that was tried.
  std::vector<Change> apply(const std::vector<Change>& changes);
  void count(const Change& change);
  uint32_t wanted(const ConntrackEntry& entry, const MarkedFlows& flows, size_t& found) const;

  MarkLayout layout_;
  ActuatorCounters& counters_;
  Messages& messages_;
  Netlink netlink_;
  MarkRequests requests_;
  std::unordered_map<FlowTuple, uint32_t> waiting_;  ///< the newest value of each flow
};

}  // namespace flowmark
