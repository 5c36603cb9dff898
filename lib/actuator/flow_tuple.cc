#include "actuator/flow_tuple.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "net/protocol.h"

namespace flowmark {

FlowTuple reversed(const FlowTuple& flow) {
  FlowTuple other = flow;
  std::swap(other.source, other.destination);
  std::swap(other.source_port, other.destination_port);
  return other;
}

FlowTuple without_vlan(FlowTuple flow) {
  flow.vlan = FlowTuple::kNoVlan;
  return flow;
}

bool has_ports(const FlowTuple& flow) {
  switch (flow.protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdpLite:
    case kProtoDccp:
    case kProtoSctp:
      return true;
    default:
      return false;
  }
}

std::string to_string(const FlowTuple& flow) {
  const auto end = [](const IpAddress& address, uint16_t port) {
    return is_ipv4(address) ? fmt::format("{}:{}", to_string(address), port)
                            : fmt::format("[{}]:{}", to_string(address), port);
  };
  std::string text =
      fmt::format("{} {} {}", protocol_name(flow.protocol), end(flow.source, flow.source_port),
                  end(flow.destination, flow.destination_port));
  if (flow.vlan != FlowTuple::kNoVlan) text += fmt::format(" vlan {}", flow.vlan);
  return text;
}

}  // namespace flowmark

// An attacker who chooses addresses must not choose the bucket: a secret is drawn once a process.
size_t std::hash<flowmark::FlowTuple>::operator()(const flowmark::FlowTuple& flow) const noexcept {
  static const flowmark::HashSecret secret = flowmark::HashSecret::draw();
  flowmark::FlowKey key;
  key.a = flow.source;
  key.b = flow.destination;
  key.a_port = flowmark::be16_t(flow.source_port);
  key.b_port = flowmark::be16_t(flow.destination_port);
  key.protocol = flow.protocol;
  key.reserved = flow.vlan;
  return flowmark::hash(key, secret);
}
