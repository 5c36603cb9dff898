#include "dpdk/privileges.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "dpdk/eal_plan.h"
#include "dpdk/packet_ring.h"

namespace flowmark {
namespace {

struct Need {
  std::string_view driver;
  int capability;
  const char* name;
};
constexpr Need kNeeds[] = {
    {"net_af_packet", CAP_NET_RAW, "NET_RAW"}, {"net_af_packet", CAP_NET_ADMIN, "NET_ADMIN"},
    {"net_af_xdp", CAP_NET_RAW, "NET_RAW"},    {"net_af_xdp", CAP_NET_ADMIN, "NET_ADMIN"},
    {"net_tap", CAP_NET_ADMIN, "NET_ADMIN"},
};

/// capget(2), which the C library leaves to us.
bool has(int capability) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return true;  // the driver will tell
  const auto bit = static_cast<unsigned>(capability);
  return (data[bit / 32].effective >> (bit % 32) & 1U) != 0;
}

}  // namespace

void check_privileges(const PortSettings& port, size_t index) {
  const std::string driver = is_af_packet(port) ? "net_af_packet" : device_name(port);
  for (const Need& need : kNeeds) {
    if (!driver.starts_with(need.driver) || has(need.capability)) continue;
    fail(
        "ports[{}].name: value {}: {} needs the capability {}, which this process lacks: run "
        "flowmarkd as root or give it the capability",
        index, port.name, need.driver, need.name);
  }
}

}  // namespace flowmark
