#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "dpdk/kernel_link.h"
#include "dpdk/packet_sockets.h"
#include "settings/settings.h"

namespace flowmark {

enum class LinkState : uint8_t {
  up,
  down,  ///< set down, or without a carrier
  gone,  ///< the kernel's interface was deleted
};
const char* to_string(LinkState state) noexcept;

/// The link of a started port: whether packets can leave there, how long they may be, and what the
/// kernel lost of them. The state is kept by look() on the control thread; the rest is for any.
class PortLink {
 public:
  /// What is lost where the port's driver does not count it.
  struct Losses {
    uint64_t before = 0;  ///< before the driver had it
    uint64_t after = 0;   ///< after the driver gave it to the kernel
  };

  /// Of the started port with DPDK's number `id`. Throws Error.
  PortLink(const PortSettings& settings, size_t index, uint16_t id);

  /// Asks anew, some 20 times a second, and takes an interface up again that was made anew. Throws
  /// Error when that cannot be: the port is of no use then.
  LinkState look();
  LinkState state() const noexcept { return state_.load(std::memory_order_relaxed); }

  /// The longest frame that can leave, without a VLAN tag; 0: the link is down; UINT32_MAX: the
  /// driver judges that. Packet path.
  uint32_t longest_sent() const noexcept { return longest_sent_.load(std::memory_order_relaxed); }

  /// Of an inline port, before its first packet: what this host itself sends at the interface is
  /// nobody's to forward. Throws Error. A mirror sees it.
  void ignore_outgoing() const;

  /// Since the start.
  Losses losses() const;
  /// The port has received its last packet: what lies unread in its ring counts as lost. `read`:
  /// the packets that the driver handed over since the start.
  void count_unread(uint64_t read);

 private:
  LinkState look_at_interface();
  void take_up_again(unsigned index);

  PortSettings settings_;
  size_t index_;
  uint16_t id_;
  std::string interface_;  ///< empty: DPDK alone knows the link
  std::atomic<LinkState> state_{LinkState::up};
  std::atomic<uint32_t> longest_sent_{UINT32_MAX};
  unsigned interface_index_ = 0;
  uint32_t looks_ = 0;
  PacketRing ring_;           ///< of af_packet
  PacketSockets sockets_;     ///< likewise
  mutable std::mutex mutex_;  ///< of what follows
  mutable LinkLosses at_last_look_;
  mutable Losses losses_;
  mutable uint64_t in_ring_ = 0;  ///< packets the kernel put into the sockets' rings
};

}  // namespace flowmark
