#include "net/flow_key.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "net/protocol.h"

namespace flowmark {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

uint64_t load_le64(const uint8_t* p) noexcept {
  uint64_t v = 0;
  std::memcpy(&v, p, sizeof(v));
  if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
  return v;
}

// A 64 x 64 bit product, its halves folded together: every bit of both factors reaches all of the
// result in one multiplication.
uint64_t fold(uint64_t x, uint64_t y) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(x) * y;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

std::string endpoint(const IpAddress& address, be16_t port, bool with_port) {
  std::string text = to_string(address);
  if (!with_port) return text;
  // RFC 5952, section 6.
  return is_ipv4(address) ? fmt::format("{}:{}", text, port.host())
                          : fmt::format("[{}]:{}", text, port.host());
}

}  // namespace

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

uint64_t hash(const FlowKey& key) noexcept {
  // Bits without a pattern: the fractional parts of the square roots of the first six primes.
  constexpr uint64_t k0 = 0x6a09e667f3bcc908, k1 = 0xbb67ae8584caa73b, k2 = 0x3c6ef372fe94f82b,
                     k3 = 0xa54ff53a5f1d36f1, k4 = 0x510e527fade682d1, k5 = 0x9b05688c2b3e6c1f;
  // The last eight bytes of a key: ports, protocol, zone, reserved.
  const uint64_t rest = uint64_t{key.a_port.host()} | (uint64_t{key.b_port.host()} << 16) |
                        (uint64_t{key.protocol} << 32) | (uint64_t{key.zone} << 40) |
                        (uint64_t{key.reserved} << 48);
  const uint64_t a = fold(load_le64(key.a.data()) ^ k0, load_le64(key.a.data() + 8) ^ k1);
  const uint64_t b = fold(load_le64(key.b.data()) ^ k2, load_le64(key.b.data() + 8) ^ k3);
  return fold((a + (b ^ k4)) ^ rest, fold(a ^ rest, k2) ^ b ^ k5);
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
