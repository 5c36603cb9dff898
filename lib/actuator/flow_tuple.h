#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "net/flow_key.h"

namespace flowmark {

/// A flow as the stream of verdicts names it: `source` is the side that began it. Flows of
/// different VLANs with equal addresses and ports are different flows. Ports are 0 where the
/// protocol has none.
struct FlowTuple {
  static constexpr uint16_t kNoVlan = 0xffff;

  IpAddress source{};
  IpAddress destination{};
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint16_t vlan = kNoVlan;
  uint8_t protocol = 0;  ///< IANA number

  friend bool operator==(const FlowTuple&, const FlowTuple&) = default;
};

/// The same flow seen from the other side.
FlowTuple reversed(const FlowTuple& flow);
/// The same flow without its VLAN: what the kernel's tables know of it.
FlowTuple without_vlan(FlowTuple flow);
/// Whether the protocol has ports that the kernel's tables name: TCP, UDP, UDP-Lite, DCCP, SCTP.
bool has_ports(const FlowTuple& flow);
/// "udp 10.0.0.1:5004 10.0.0.2:6000 vlan 12".
std::string to_string(const FlowTuple& flow);

}  // namespace flowmark

template <>
struct std::hash<flowmark::FlowTuple> {
  size_t operator()(const flowmark::FlowTuple& flow) const noexcept;
};
