#pragma once

#include <cstdint>
#include <vector>

#include "dpdk/packet_ring.h"

namespace flowmark {

/// The packet sockets (packet(7)) that DPDK's af_packet driver holds on one interface. The driver
/// does not give them out: they are found among the descriptors of this process. They stay the
/// driver's, and valid until it stops the port. Not for the packet path.
///
/// The driver asks the kernel to put IPv4 fragments together (PACKET_FANOUT_FLAG_DEFRAG); what
/// comes out is larger than the interface's MTU and cannot leave again. It also lets a full queue
/// spill into another one, which parts flows (PACKET_FANOUT_FLAG_ROLLOVER). No argument of the
/// driver turns either off. packet_sockets.cc therefore defines setsockopt() in place of the C
/// library's: it takes both flags out, and leaves a single socket outside of any fanout group.
class PacketSockets {
 public:
  /// Of the interface with this index, in the order they were opened.
  explicit PacketSockets(unsigned interface_index);
  PacketSockets() = default;  ///< none

  /// Throws Error when the kernel would put fragments together all the same.
  void check_fragments_stay() const;

  /// What this host itself sends there is not received any more. Throws Error.
  void ignore_outgoing() const;

  struct Counts {
    uint64_t received = 0;  ///< put into a ring
    uint64_t dropped = 0;   ///< no place was left in the ring
  };
  /// Since the last call.
  Counts take_counts() const noexcept;

  /// False once the interface was deleted.
  bool listen_on(unsigned interface_index) const noexcept;

  /// Has the sockets listen on another interface: the one of that name was made anew. False when
  /// the kernel refuses, which it does for sockets in a fanout group (several queues).
  bool move_to(unsigned interface_index) const noexcept;

  /// Takes the error from the sockets that a link leaves there which went down: it would make the
  /// driver's next sending fail.
  void clear_errors() const noexcept;

  /// Frames that the driver put into the send rings while the link was down would leave when it is
  /// up again, long after their time: has the kernel drop them. Nobody may send meanwhile.
  void discard_unsent(const PacketRing& ring) const noexcept;

 private:
  struct Socket {
    int descriptor = -1;
    uint8_t* memory = nullptr;  ///< of its rings, as the driver mapped it: to receive, then to send
  };
  std::vector<Socket> sockets_;
};

}  // namespace flowmark
