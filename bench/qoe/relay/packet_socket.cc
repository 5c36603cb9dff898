#include "bench/qoe/relay/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace flowmark::qoe {
namespace {

constexpr int kSocketRoom = 8 << 20;  // bytes: what comes while the processor is busy elsewhere

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

PacketSocket::PacketSocket(const std::string& interface)
    : descriptor_(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
  if (descriptor_ < 0) fail("cannot open a packet socket");
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  packet_mreq everything{};
  everything.mr_ifindex = at.sll_ifindex;
  everything.mr_type = PACKET_MR_PROMISC;
  const int on = 1;
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketRoom, sizeof kSocketRoom);
  setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketRoom, sizeof kSocketRoom);
  if (at.sll_ifindex == 0 ||
      setsockopt(descriptor_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
      setsockopt(descriptor_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &everything, sizeof everything) !=
          0 ||
      bind(descriptor_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    const int reason = errno;
    close(descriptor_);
    errno = reason;
    fail("cannot listen on " + interface);
  }
}

PacketSocket::~PacketSocket() {
  close(descriptor_);
}

size_t PacketSocket::receive(std::span<uint8_t> room) {
  const ssize_t got = recv(descriptor_, room.data(), room.size(), 0);
  return got < 0 ? 0 : static_cast<size_t>(got);
}

bool PacketSocket::send(std::span<const uint8_t> frame) {
  return ::send(descriptor_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
}

}  // namespace flowmark::qoe
