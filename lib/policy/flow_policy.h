#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flow/packet_record.h"
#include "mark/live_caps.h"
#include "mark/mark_numbers.h"
#include "mark/profiles.h"
#include "net/prefix.h"

namespace flowmark {

/// Ports or VLANs from the first to the last one, both included.
struct NumberRange {
  uint16_t first = 0;
  uint16_t last = 0;

  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

/// What the operator decides about flows, whatever a model would say (docs/policies.md): conditions
/// that must all hold, and what is done then. An empty list is no condition.
struct FlowPolicy {
  std::string name;  ///< may be empty

  std::vector<Prefix> hosts;  ///< of either side
  std::vector<Prefix> inside;
  std::vector<Prefix> outside;
  std::vector<NumberRange> ports;  ///< of either side
  std::vector<NumberRange> inside_ports;
  std::vector<NumberRange> outside_ports;
  std::vector<NumberRange> vlans;    ///< of the outermost tag; 0: no tag
  std::vector<uint8_t> protocols;    ///< IANA numbers
  std::optional<Direction> openers;  ///< who began the flow: up is the inside

  bool classify = true;    ///< models are asked
  bool mark = true;        ///< false: packets stay as they came
  std::string class_name;  ///< not empty: packets get the marks of this class, and no model
                           ///< is asked
  MarkPair class_marks;    ///< of class_name
  /// In place of the configured maps, for the classes that it has.
  std::optional<MarkProfile> map;
  std::optional<float> confidence;  ///< in place of every model's own
  // Of flows with an expedited mark, as MarkingSettings has it.
  std::optional<uint32_t> ef_host_kbit;  ///< of one host, in place of the configured limit; 0: none
  std::optional<double> ef_share_max;    ///< of the link, for all flows of this policy
  LiveCaps caps;                         ///< what follows from both; its group is not given yet

  friend bool operator==(const FlowPolicy&, const FlowPolicy&) = default;

  bool asks_models() const noexcept { return classify && class_name.empty(); }
};

/// The place of a policy in the list, as flows keep it.
using PolicyPlace = uint16_t;
inline constexpr PolicyPlace kNoPolicy = UINT16_MAX;
inline constexpr size_t kMostPolicies = 16'384;
static_assert(kMostPolicies <= LiveCaps::kMostGroups);

}  // namespace flowmark
