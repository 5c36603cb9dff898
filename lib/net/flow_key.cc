#include "net/flow_key.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string endpoint(const IpAddress& address, be16_t port, bool with_port) {
  std::string text = to_string(address);
  if (!with_port) return text;
  // RFC 5952, section 6.
  return is_ipv4(address) ? fmt::format("{}:{}", text, port.host())
                          : fmt::format("[{}]:{}", text, port.host());
}

}  // namespace

HashSecret HashSecret::draw() {
  HashSecret secret;
  const ssize_t got = getrandom(secret.words.data(), sizeof(secret.words), 0);
  if (got != static_cast<ssize_t>(sizeof(secret.words))) {
    fail("the kernel gives no random numbers: {}", std::strerror(errno));
  }
  return secret;
}

bool is_ipv4(const IpAddress& address) noexcept {
  return std::memcmp(address.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4(address)) {
    inet_ntop(AF_INET, address.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  }
  return text.data();
}

std::string protocol_name(uint8_t protocol) {
  switch (protocol) {
    case kProtoIcmp:
      return "icmp";
    case 2:
      return "igmp";
    case kProtoIp4:
      return "ipip";
    case kProtoTcp:
      return "tcp";
    case kProtoUdp:
      return "udp";
    case kProtoDccp:
      return "dccp";
    case kProtoIp6:
      return "ipv6";
    case kProtoGre:
      return "gre";
    case kProtoEsp:
      return "esp";
    case kProtoAh:
      return "ah";
    case kProtoIcmpV6:
      return "icmpv6";
    case 89:
      return "ospf";
    case 103:
      return "pim";
    case 112:
      return "vrrp";
    case 115:
      return "l2tp";
    case kProtoSctp:
      return "sctp";
    case kProtoUdpLite:
      return "udplite";
    default:
      return std::to_string(protocol);
  }
}

std::string to_string(const FlowKey& key, bool a_first) {
  const bool with_ports = key.a_port.raw() != 0 || key.b_port.raw() != 0;
  std::string a = endpoint(key.a, key.a_port, with_ports);
  std::string b = endpoint(key.b, key.b_port, with_ports);
  if (!a_first) std::swap(a, b);
  std::string text = fmt::format("{} {} {}", protocol_name(key.protocol), a, b);
  if (key.zone != 0) text += fmt::format(" zone {}", key.zone);
  return text;
}

}  // namespace flowmark
