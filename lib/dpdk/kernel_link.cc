#include "dpdk/kernel_link.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace flowmark {
namespace {

/// A socket to ask about one interface.
class Asker {
 public:
  explicit Asker(const std::string& interface) noexcept
      : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::copy_n(interface.begin(), std::min(interface.size(), sizeof request.ifr_name - 1),
                request.ifr_name);
  }
  ~Asker() {
    if (socket_ >= 0) close(socket_);
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  bool ask(unsigned long question) noexcept { return ioctl(socket_, question, &request) == 0; }

  /// The answer to an ethtool question that is one number; 0 where the driver has none.
  uint32_t ask_ethtool(uint32_t question) noexcept {
    ethtool_value value{question, 0};
    request.ifr_data = reinterpret_cast<char*>(&value);
    return ask(SIOCETHTOOL) ? value.data : 0;
  }

  ifreq request{};

 private:
  int socket_;
};

std::filesystem::path folder_of(const std::string& interface) {
  return std::filesystem::path("/sys/class/net") / interface;
}

uint64_t statistic(const std::string& interface, const char* name) {
  std::ifstream file(folder_of(interface) / "statistics" / name);
  uint64_t value = 0;
  return file >> value ? value : 0;
}

}  // namespace

KernelLink look_at_link(const std::string& interface) noexcept {
  KernelLink link;
  Asker asker(interface);
  if (!asker.ask(SIOCGIFINDEX)) return {};
  link.index = static_cast<unsigned>(asker.request.ifr_ifindex);
  if (!asker.ask(SIOCGIFFLAGS)) return {};
  constexpr int kRunning = IFF_UP | IFF_RUNNING;
  link.running = (asker.request.ifr_flags & kRunning) == kRunning;
  if (!asker.ask(SIOCGIFMTU)) return {};
  link.mtu = static_cast<uint32_t>(asker.request.ifr_mtu);
  return link;
}

void set_link_mtu(const std::string& interface, uint16_t mtu) {
  Asker asker(interface);
  asker.request.ifr_mtu = mtu;
  if (!asker.ask(SIOCSIFMTU)) {
    fail("the interface {} refuses an MTU of {}: {}", interface, mtu, strerror(errno));
  }
}

std::string merging_offloads(const std::string& interface) {
  Asker asker(interface);
  const bool gro = asker.ask_ethtool(ETHTOOL_GGRO) != 0;
  const bool lro = (asker.ask_ethtool(ETHTOOL_GFLAGS) & ETH_FLAG_LRO) != 0;
  if (gro && lro) return "gro and lro";
  return gro ? "gro" : lro ? "lro" : "";
}

std::string bridge_of(const std::string& interface) {
  std::error_code none;
  const auto link = std::filesystem::read_symlink(folder_of(interface) / "brport/bridge", none);
  return none ? "" : link.filename().string();
}

LinkLosses link_losses(const std::string& interface) {
  return {statistic(interface, "rx_dropped") + statistic(interface, "rx_missed_errors"),
          statistic(interface, "tx_dropped") + statistic(interface, "tx_errors")};
}

}  // namespace flowmark
