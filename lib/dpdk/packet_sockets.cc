#include "dpdk/packet_sockets.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"

namespace flowmark {
namespace {

// Bits 16 to 23 of the option are the kind of fanout, bits 24 to 31 its flags; the kernel gives
// them back likewise.
constexpr int kUnwantedFlags = (PACKET_FANOUT_FLAG_DEFRAG | PACKET_FANOUT_FLAG_ROLLOVER) << 16;

/// 0: the socket is none of AF_PACKET, or bound to no interface.
unsigned interface_of(int descriptor) noexcept {
  sockaddr_ll address{};
  socklen_t length = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return address.sll_family == AF_PACKET ? static_cast<unsigned>(address.sll_ifindex) : 0;
}

std::vector<int> sockets_on(unsigned interface_index) {
  std::vector<int> found;
  if (interface_index == 0) return found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", none)) {
    const int descriptor = std::atoi(entry.path().filename().c_str());
    if (interface_of(descriptor) == interface_index) found.push_back(descriptor);
  }
  std::sort(found.begin(), found.end());
  return found;
}

int set_option(int descriptor, int level, int name, const void* value, socklen_t length) noexcept {
  return static_cast<int>(syscall(SYS_setsockopt, descriptor, level, name, value, length));
}

/// Where a socket's rings are mapped; null: nowhere.
uint8_t* memory_of(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return nullptr;
  // 7f0000000000-7f0000800000 rw-s 00000000 00:08 12345   socket:[12345]
  const std::string wanted = fmt::format("socket:[{}]", status.st_ino);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.ends_with(wanted)) {
      return reinterpret_cast<uint8_t*>(std::strtoull(line.c_str(), nullptr, 16));
    }
  }
  return nullptr;
}

/// The driver binds and joins one socket after the other. With the second one, the group is made.
int join_fanout(int descriptor, int wanted) {
  const int group = wanted & ~kUnwantedFlags;
  const std::vector<int> sockets = sockets_on(interface_of(descriptor));
  if (sockets.size() == 2) {
    const int status = set_option(sockets[0], SOL_PACKET, PACKET_FANOUT, &group, sizeof group);
    if (status != 0) return status;
  }
  if (sockets.size() < 2) return 0;
  return set_option(descriptor, SOL_PACKET, PACKET_FANOUT, &group, sizeof group);
}

}  // namespace

PacketSockets::PacketSockets(unsigned interface_index) {
  for (const int descriptor : sockets_on(interface_index)) {
    sockets_.push_back({descriptor, memory_of(descriptor)});
  }
}

void PacketSockets::check_fragments_stay() const {
  for (const auto& [descriptor, memory] : sockets_) {
    int group = 0;
    socklen_t length = sizeof group;
    if (getsockopt(descriptor, SOL_PACKET, PACKET_FANOUT, &group, &length) != 0) continue;
    if ((group & kUnwantedFlags) != 0) {
      fail(
          "the kernel would put IPv4 fragments together and they could not leave again: "
          "the af_packet driver's fanout flags are 0x{:x}",
          static_cast<unsigned>(group) >> 24);
    }
  }
}

// By a filter: PACKET_IGNORE_OUTGOING has no effect on sockets in a fanout group.
void PacketSockets::ignore_outgoing() const {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(SKF_AD_OFF + SKF_AD_PKTTYPE)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  }};
  const sock_fprog filter{program.size(), program.data()};
  for (const auto& [descriptor, memory] : sockets_) {
    if (set_option(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) continue;
    fail("the kernel does not keep what this host sends apart (SO_ATTACH_FILTER): {}",
         std::strerror(errno));
  }
}

PacketSockets::Counts PacketSockets::take_counts() const noexcept {
  Counts counts;
  for (const auto& [descriptor, memory] : sockets_) {
    tpacket_stats stats{};
    socklen_t length = sizeof stats;
    if (getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &stats, &length) != 0) continue;
    counts.received += stats.tp_packets - stats.tp_drops;
    counts.dropped += stats.tp_drops;
  }
  return counts;
}

bool PacketSockets::listen_on(unsigned interface_index) const noexcept {
  return std::all_of(sockets_.begin(), sockets_.end(), [interface_index](const Socket& socket) {
    return interface_of(socket.descriptor) == interface_index;
  });
}

bool PacketSockets::move_to(unsigned interface_index) const noexcept {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(interface_index);
  return std::all_of(sockets_.begin(), sockets_.end(), [&address](const Socket& socket) {
    return bind(socket.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
  });
}

void PacketSockets::clear_errors() const noexcept {
  for (const auto& [descriptor, memory] : sockets_) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
  }
}

// The kernel skips a frame with a length below 0 and frees its place (PACKET_LOSS, which the driver
// sets; tpacket_snd() in net/packet/af_packet.c).
void PacketSockets::discard_unsent(const PacketRing& ring) const noexcept {
  for (const Socket& socket : sockets_) {
    if (socket.memory == nullptr) continue;
    uint8_t* const to_send = socket.memory + size_t{ring.frame_size} * ring.frame_count;
    for (size_t i = 0; i < ring.frame_count; ++i) {
      auto* const header = reinterpret_cast<tpacket2_hdr*>(to_send + i * ring.frame_size);
      const auto state = std::atomic_ref(header->tp_status).load(std::memory_order_acquire);
      if ((state & TP_STATUS_SEND_REQUEST) != 0) header->tp_len = UINT32_MAX;
    }
  }
}

}  // namespace flowmark

// In place of the C library's, for everything in this process; see PacketSockets.
extern "C" int setsockopt(int descriptor, int level, int name, const void* value,
                          socklen_t length) noexcept {
  if (level == SOL_PACKET && name == PACKET_FANOUT && length == sizeof(int)) {
    int wanted = 0;
    std::memcpy(&wanted, value, sizeof wanted);
    return flowmark::join_fanout(descriptor, wanted);
  }
  return flowmark::set_option(descriptor, level, name, value, length);
}
