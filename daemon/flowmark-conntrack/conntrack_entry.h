#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "actuator/flow_tuple.h"

struct nf_conntrack;

namespace flowmark {

/// An entry of the kernel's connection tracking: the packets of the side that began it have the
/// tuple `original`, those of the other side `reply`. Behind NAT the two differ in addresses or
/// ports.
struct ConntrackEntry {
  FlowTuple original;
  FlowTuple reply;
  uint32_t mark = 0;
};

/// Reads an entry's message; none for protocols without ports.
std::optional<ConntrackEntry> parse_entry(const nlmsghdr& message);

/// The tuples under which a flow of the stream may know this entry: of either side, from either
/// end.
std::array<FlowTuple, 4> names_of(const ConntrackEntry& entry);

/// Builds requests to change the mark of an entry. One thread.
class MarkRequests {
 public:
  /// `mask`: the bits of the mark that are changed; the kernel keeps the others, in one step.
  explicit MarkRequests(uint32_t mask);
  ~MarkRequests();
  MarkRequests(const MarkRequests&) = delete;
  MarkRequests& operator=(const MarkRequests&) = delete;

  /// Appends a request: the entry one of whose two tuples is `tuple` gets `value` under the mask.
  void append(std::vector<uint8_t>& messages, const FlowTuple& tuple, uint32_t value);

 private:
  uint32_t mask_;
  nf_conntrack* ipv4_;
  nf_conntrack* ipv6_;
};

}  // namespace flowmark
