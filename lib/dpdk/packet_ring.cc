#include "dpdk/packet_ring.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "dpdk/eal_plan.h"
#include "dpdk/frame_check.h"

namespace flowmark {
namespace {

constexpr uint32_t kAlignment = 16;        // TPACKET_ALIGNMENT
constexpr uint32_t kLargestFrame = 32768;  // a packet buffer has 65535 bytes, headroom included

/// The value of the first of these keys that a device has ("net_af_packet0,iface=eth0,qpairs=2").
std::optional<std::string_view> argument(const PortSettings& port,
                                         std::initializer_list<std::string_view> keys) {
  const std::string_view name = port.name;
  for (size_t comma = name.find(','); comma != name.npos; comma = name.find(',', comma + 1)) {
    std::string_view part = name.substr(comma + 1, name.find(',', comma + 1) - comma - 1);
    part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
    const size_t equals = part.find('=');
    if (equals == part.npos) continue;
    if (std::find(keys.begin(), keys.end(), part.substr(0, equals)) != keys.end()) {
      return part.substr(equals + 1);
    }
  }
  return std::nullopt;
}

void read_number(const PortSettings& port, size_t index, std::string_view key, uint32_t& value) {
  const auto text = argument(port, {key});
  if (!text) return;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value == 0) {
    fail("ports[{}].name: {}: value {}: expected a number of bytes or frames", index, key, *text);
  }
}

void check_layout(const PacketRing& ring, size_t index) {
  const auto page = static_cast<uint32_t>(getpagesize());
  const auto refuse = [index](const char* key, uint32_t value, const std::string& expected) {
    fail("ports[{}].name: {}: value {}: expected {}", index, key, value, expected);
  };
  if (ring.frame_size % kAlignment != 0 || ring.frame_size < 128 ||
      ring.frame_size > kLargestFrame) {
    refuse("framesz", ring.frame_size,
           fmt::format("a multiple of {} from 128 to {}", kAlignment, kLargestFrame));
  }
  if (ring.block_size % page != 0 || ring.block_size % ring.frame_size != 0) {
    refuse("blocksz", ring.block_size,
           fmt::format("a multiple of the page size {} and of framesz={}", page, ring.frame_size));
  }
  const uint32_t in_block = ring.block_size / ring.frame_size;
  if (ring.frame_count % in_block != 0) {
    refuse("framecnt", ring.frame_count,
           fmt::format("a multiple of the {} frames in a block", in_block));
  }
}

}  // namespace

std::string interface_of(const PortSettings& port) {
  if (is_pci(port) || device_name(port).starts_with("net_tap")) return "";
  const auto interface =
      argument(port, {"iface", "iface_in", "rx_iface", "rx_iface_in", "tx_iface", "tx_iface_in"});
  return std::string(interface.value_or(""));
}

PortCaptures captures_of(const PortSettings& port) {
  if (!device_name(port).starts_with("net_pcap")) return {};
  return {std::string(argument(port, {"rx_pcap"}).value_or("")),
          std::string(argument(port, {"tx_pcap"}).value_or(""))};
}

bool is_af_packet(const PortSettings& port) {
  const std::string device = device_name(port);
  return device.starts_with("net_af_packet") || device.starts_with("eth_af_packet");
}

PacketRing read_ring(const PortSettings& port, size_t index, uint32_t mtu) {
  PacketRing ring;
  ring.block_size = static_cast<uint32_t>(getpagesize());
  read_number(port, index, "framesz", ring.frame_size);
  read_number(port, index, "blocksz", ring.block_size);
  read_number(port, index, "framecnt", ring.frame_count);
  check_layout(ring, index);
  const uint32_t longest = mtu + kEthernetHeader + kVlanTag;
  if (longest > ring.longest_frame()) {
    const uint32_t right = std::bit_ceil(longest + ring.frame_size - ring.longest_frame());
    fail(
        "ports[{}].name: value {}: frames of up to {} bytes (MTU {}) would be cut off: framesz={} "
        "has room for {}; give framesz={},blocksz={}",
        index, port.name, longest, mtu, ring.frame_size, ring.longest_frame(), right,
        std::max(right, 65536u));
  }
  return ring;
}

}  // namespace flowmark
