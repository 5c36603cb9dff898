#pragma once

#include <cstdint>
#include <vector>

#include "policy/flow_policy.h"
#include "policy/range_index.h"

namespace flowmark {

/// What policies ask of a flow.
struct PolicySubject {
  IpAddress inside{};
  IpAddress outside{};
  uint16_t inside_port = 0;
  uint16_t outside_port = 0;
  uint16_t vlan = 0;  ///< of the outermost tag; 0: no tag
  uint8_t protocol = 0;
  Direction opener = Direction::up;  ///< who began the flow
};

/// A list of policies, compiled so that the first one that fits a flow is found in a time that
/// grows with their number by one AND of a word a field for 64 policies. Immutable; find() is the
/// packet path.
class PolicyTable {
 public:
  /// Throws Error when there are more than kMostPolicies, or their ranges take too much memory.
  explicit PolicyTable(std::vector<FlowPolicy> policies);

  /// The first policy that fits, or kNoPolicy.
  PolicyPlace find(const PolicySubject& flow) const noexcept;

  const std::vector<FlowPolicy>& policies() const noexcept { return policies_; }

 private:
  std::vector<FlowPolicy> policies_;
  RangeIndex hosts_, inside_, outside_;
  RangeIndex ports_, inside_ports_, outside_ports_;
  RangeIndex vlans_, protocols_, openers_;
};

}  // namespace flowmark
