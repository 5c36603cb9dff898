#pragma once

#include <cstdint>
#include <string>

#include "settings/settings.h"

namespace flowmark {

/// The network interface of the kernel that a vdev string names (`iface=`, of net_pcap also
/// `rx_iface=`, `rx_iface_in=`); empty for a PCI device and where the driver makes its interface.
std::string interface_of(const PortSettings& port);

/// The captures of a net_pcap port; empty: none.
struct PortCaptures {
  std::string read;     ///< `rx_pcap=`
  std::string written;  ///< `tx_pcap=`
};
PortCaptures captures_of(const PortSettings& port);

bool is_af_packet(const PortSettings& port);

/// Sizes of the ring that an af_packet port shares with the kernel, in bytes, from the vdev string
/// or the driver's defaults.
struct PacketRing {
  uint32_t frame_size = 2048;
  uint32_t block_size = 4096;
  uint32_t frame_count = 512;

  /// The longest frame that comes in whole: what is longer is cut off there. 66 bytes are the
  /// kernel's (tpacket_rcv() in net/packet/af_packet.c).
  uint32_t longest_frame() const { return frame_size - 66; }
};

/// Throws Error, as "ports[INDEX].name: ...", when the driver or the kernel would refuse the ring,
/// or when a frame of an interface with this MTU would not fit.
PacketRing read_ring(const PortSettings& port, size_t index, uint32_t mtu);

}  // namespace flowmark
