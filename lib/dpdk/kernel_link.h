#pragma once

#include <cstdint>
#include <string>

namespace flowmark {

/// A network interface of the kernel as it is now, in the network namespace of this process.
struct KernelLink {
  unsigned index = 0;    ///< 0: there is no such interface
  bool running = false;  ///< set up, and with a carrier
  uint32_t mtu = 0;      ///< bytes from the IP header on

  friend bool operator==(const KernelLink&, const KernelLink&) = default;
};

/// Asks the kernel. Any thread; allocates nothing.
KernelLink look_at_link(const std::string& interface) noexcept;

/// Throws Error when the kernel refuses.
void set_link_mtu(const std::string& interface, uint16_t mtu);

/// Which of the offloads that merge received packets are on: "gro", "lro", "gro and lro"; empty:
/// none.
std::string merging_offloads(const std::string& interface);

/// The bridge that the interface is a member of; empty: of none.
std::string bridge_of(const std::string& interface);

/// Packets that the kernel lost at an interface, since it was made.
struct LinkLosses {
  uint64_t received = 0;  ///< before a socket saw them
  uint64_t sent = 0;      ///< after a socket gave them
};
LinkLosses link_losses(const std::string& interface);

}  // namespace flowmark
