#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace flowmark {

/// A kind of tunnel whose inner flow can be classified instead of the outer one.
enum class Tunnel : uint8_t {
  vxlan,
  gre,
  geneve,
  gtpu,
  ipip,     ///< IPv4 or IPv6 in either
  erspan,   ///< mirrored frames in GRE, types I to III
  tzsp,     ///< mirrored frames in UDP
  teredo,   ///< IPv6 in UDP
  gue,      ///< generic UDP encapsulation
  mpls,     ///< MPLS in UDP or in IP
  l2tp,     ///< versions 2 and 3, in UDP or in IP
  etherip,  ///< Ethernet in IP
};
inline constexpr int kTunnelCount = 12;

/// The word of the configuration: "vxlan".
const char* to_string(Tunnel tunnel) noexcept;
/// Those of all tunnels, in their order.
std::vector<std::string> tunnel_names();

/// The tunnels to look into.
class ParseOptions {
 public:
  constexpr ParseOptions() = default;
  constexpr ParseOptions(std::initializer_list<Tunnel> tunnels) noexcept {
    for (const Tunnel tunnel : tunnels) enter(tunnel);
  }
  static constexpr ParseOptions all_tunnels() noexcept {
    ParseOptions options;
    options.tunnels_ = (1u << kTunnelCount) - 1;
    return options;
  }

  constexpr void enter(Tunnel tunnel) noexcept {
    tunnels_ = static_cast<uint16_t>(tunnels_ | bit(tunnel));
  }
  constexpr bool enters(Tunnel tunnel) const noexcept { return (tunnels_ & bit(tunnel)) != 0; }

  /// Whether a UDP port may announce a tunnel.
  constexpr bool enters_udp() const noexcept {
    return (tunnels_ &
            (bit(Tunnel::vxlan) | bit(Tunnel::geneve) | bit(Tunnel::gtpu) | bit(Tunnel::tzsp) |
             bit(Tunnel::teredo) | bit(Tunnel::gue) | bit(Tunnel::mpls) | bit(Tunnel::l2tp))) != 0;
  }

  friend constexpr bool operator==(const ParseOptions&, const ParseOptions&) = default;

 private:
  static constexpr unsigned bit(Tunnel tunnel) noexcept {
    return 1u << static_cast<unsigned>(tunnel);
  }
  uint16_t tunnels_ = 0;
};

}  // namespace flowmark
