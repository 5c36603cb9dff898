#include "net/prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/read_number.h"

namespace flowmark {
namespace {

constexpr unsigned kMappedBits = 96;

// The address with all bits from `bits` on cleared.
IpAddress masked(IpAddress address, unsigned bits) {
  for (unsigned i = 0; i < address.size(); ++i) {
    const unsigned kept = bits <= i * 8 ? 0 : std::min(bits - i * 8, 8u);
    address[i] = static_cast<uint8_t>(address[i] & (0xff00u >> kept));
  }
  return address;
}

bool read_address(const std::string& text, IpAddress& address) {
  if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    address = {};
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, &v4, sizeof(v4));
    return true;
  }
  return inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

std::string to_text(const IpAddress& address, unsigned bits) {
  return fmt::format("{}/{}", to_string(address), is_ipv4(address) ? bits - kMappedBits : bits);
}

}  // namespace

Prefix Prefix::parse(const std::string& text) {
  const size_t slash = text.find('/');
  Prefix prefix;
  if (!read_address(text.substr(0, slash), prefix.address)) {
    fail("'{}' is no address or prefix; right would be e.g. 10.0.0.0/8 or 2001:db8::/32", text);
  }
  const bool dotted = text.find(':') == std::string::npos;
  const unsigned most = dotted ? 32 : 128;
  unsigned length = most;
  if (slash != std::string::npos) {
    if (!read_number(std::string_view(text).substr(slash + 1), length) || length > most) {
      fail("the length of prefix '{}' must be a number from 0 to {}", text, most);
    }
  }
  prefix.bits = static_cast<uint8_t>(dotted ? kMappedBits + length : length);
  const IpAddress network = masked(prefix.address, prefix.bits);
  if (network != prefix.address) {
    fail("prefix '{}' has bits set behind its length; the network would be {}", text,
         to_text(network, prefix.bits));
  }
  return prefix;
}

bool Prefix::contains(const IpAddress& other) const noexcept {
  // ::/0 means every IPv6 address; that IPv4 is kept inside ::ffff:0:0/96 is nobody's business.
  if (bits < kMappedBits && is_ipv4(other)) return false;
  return masked(other, bits) == address;
}

bool contains(const std::vector<Prefix>& prefixes, const IpAddress& address) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace flowmark
