#include "dpdk/port_check.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/writable.h"
#include "dpdk/eal_plan.h"
#include "dpdk/kernel_link.h"
#include "dpdk/packet_ring.h"

namespace flowmark {
namespace {

void check_pci(const PortSettings& port, size_t index) {
  std::string address = device_name(port);
  if (std::count(address.begin(), address.end(), ':') == 1) address = "0000:" + address;
  if (!std::filesystem::exists("/sys/bus/pci/devices/" + address)) {
    fail("ports[{}].name: value {}: this machine has no such PCI device", index, port.name);
  }
}

// DPDK 22.11 has no call for it in these drivers; whether another one takes a value, it alone
// knows.
void check_mtu(const PortSettings& port, size_t index) {
  const std::string device = device_name(port);
  for (const char* driver : {"net_ring", "net_pcap", "net_memif"}) {
    if (port.mtu != 0 && device.starts_with(driver)) {
      fail("ports[{}].mtu: value {}: ports of {} have none that could be set: leave it out", index,
           port.mtu, driver);
    }
  }
}

void check_captures(const PortSettings& port, size_t index) {
  const auto [read, written] = captures_of(port);
  std::string reason;
  if (!read.empty() && access(read.c_str(), R_OK) != 0) {
    reason = fmt::format("{}: {}", read, strerror(errno));
  } else if (!written.empty()) {
    reason = why_not_writable(std::filesystem::path(written).parent_path(), false);
  }
  if (!reason.empty()) fail("ports[{}].name: value {}: {}", index, port.name, reason);
}

uint32_t mtu_of(const PortSettings& port, const KernelLink& link) {
  return port.mtu != 0 ? port.mtu : link.mtu;
}

}  // namespace

void check_port(const PortSettings& port, size_t index) {
  if (is_pci(port)) return check_pci(port, index);
  check_mtu(port, index);
  check_captures(port, index);
  const std::string interface = interface_of(port);
  if (interface.empty()) return;
  const KernelLink link = look_at_link(interface);
  if (link.index == 0) {
    fail("ports[{}].name: value {}: there is no network interface {}", index, port.name, interface);
  }
  if (const std::string bridge = bridge_of(interface); !bridge.empty()) {
    fail(
        "ports[{}].name: value {}: the interface {} is a member of the bridge {}, which would "
        "forward each packet once more: ip link set {} nomaster",
        index, port.name, interface, bridge, interface);
  }
  if (const std::string merging = merging_offloads(interface); !merging.empty()) {
    fail(
        "ports[{}].name: value {}: the interface {} has {} on: it merges packets into longer ones, "
        "which cannot leave again: ethtool -K {} gro off lro off",
        index, port.name, interface, merging, interface);
  }
  if (is_af_packet(port)) read_ring(port, index, mtu_of(port, link));
}

}  // namespace flowmark
