#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/flow_key.h"

namespace flowmark {

/// An address range in CIDR form.
struct Prefix {
  IpAddress address{};
  uint8_t bits = 0;  ///< of 128: an IPv4 /24 is 96 + 24

  /// "10.0.0.0/8", "2001:db8::/32", a plain address is a host. Throws Error naming the text, also
  /// when bits behind the length are set.
  static Prefix parse(const std::string& text);
  /// An IPv6 prefix, ::/0 too, contains no IPv4 address.
  bool contains(const IpAddress& other) const noexcept;

  friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// True if any of the prefixes contains the address.
bool contains(const std::vector<Prefix>& prefixes, const IpAddress& address) noexcept;

}  // namespace flowmark
