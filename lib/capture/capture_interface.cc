#include "capture/capture_interface.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "net/byte_order.h"

namespace flowmark {
namespace {

constexpr size_t kOptions = 16;  // where they start in an interface description block
constexpr size_t kBlockEnd = 4;
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kTimeResolution = 9;
constexpr uint16_t kTimeOffset = 14;

// The greatest exponents whose powers fit 64 bits.
constexpr uint8_t kMostBinary = 63;
constexpr uint8_t kMostDecimal = 19;
constexpr uint8_t kBinary = 0x80;

// LINKTYPE_* (https://www.tcpdump.org/linktypes.html). 12 and 14 are DLT_RAW of this and of other
// systems, which some programs write as it is.
constexpr uint32_t kRaw = 101;

uint64_t units_of(uint8_t resolution, const std::string& place) {
  const uint8_t exponent = resolution & 0x7f;
  const bool binary = (resolution & kBinary) != 0;
  if (exponent > (binary ? kMostBinary : kMostDecimal)) {
    fail("{}: an interface counts time in units of {}^-{} s; at most {} is possible", place,
         binary ? 2 : 10, exponent, binary ? kMostBinary : kMostDecimal);
  }
  if (binary) return uint64_t{1} << exponent;
  uint64_t units = 1;
  for (uint8_t i = 0; i < exponent; ++i) units *= 10;
  return units;
}

void read_option(CaptureInterface& interface, uint16_t code, std::span<const uint8_t> value,
                 const FileNumbers& numbers, const std::string& place) {
  if (code == kTimeResolution && value.size() == 1) {
    interface.units_per_second = units_of(value[0], place);
  } else if (code == kTimeOffset && value.size() == 8) {
    interface.offset_s = static_cast<int64_t>(numbers.u64(value.data()));
  } else if (code == kTimeResolution || code == kTimeOffset) {
    fail("{}: the file is damaged: option {} of an interface has {} bytes", place, code,
         value.size());
  }
}

}  // namespace

uint16_t FileNumbers::u16(const uint8_t* p) const noexcept {
  const uint16_t v = load_be16(p);
  return big_endian ? v : swap_bytes(v);
}

uint32_t FileNumbers::u32(const uint8_t* p) const noexcept {
  const uint32_t v = load_be32(p);
  return big_endian ? v : swap_bytes(v);
}

uint64_t FileNumbers::u64_high_first(const uint8_t* p) const noexcept {
  return (uint64_t{u32(p)} << 32) | u32(p + 4);
}

uint64_t FileNumbers::u64(const uint8_t* p) const noexcept {
  return big_endian ? u64_high_first(p) : (uint64_t{u32(p + 4)} << 32) | u32(p);
}

TimeUs CaptureInterface::time_us(uint64_t units) const noexcept {
  constexpr int64_t kMostSeconds = std::numeric_limits<TimeUs>::max() / kUsPerSecond / 100;
  __extension__ using Wide = __int128;
  const Wide seconds = Wide{units / units_per_second} + offset_s;
  const Wide us = Wide{units % units_per_second} * kUsPerSecond / units_per_second;
  const auto whole = static_cast<TimeUs>(std::clamp<Wide>(seconds, -kMostSeconds, kMostSeconds));
  return whole * kUsPerSecond + static_cast<TimeUs>(us);
}

CaptureInterface read_interface_block(std::span<const uint8_t> block, const FileNumbers& numbers,
                                      const std::string& place) {
  if (block.size() < kOptions + kBlockEnd) {
    fail("{}: the file is damaged: an interface description of {} bytes, at least {} are needed",
         place, block.size(), kOptions + kBlockEnd);
  }
  CaptureInterface interface;
  interface.link_type = numbers.u16(block.data() + 8);
  interface.link = supported_link(interface.link_type);
  interface.snap_length = numbers.u32(block.data() + 12);
  std::span<const uint8_t> options = block.subspan(kOptions, block.size() - kOptions - kBlockEnd);
  while (options.size() >= 4) {
    const uint16_t code = numbers.u16(options.data());
    const size_t length = numbers.u16(options.data() + 2);
    if (code == kEndOfOptions) break;
    options = options.subspan(4);
    const size_t padded = (length + 3) / 4 * 4;
    if (padded > options.size()) {
      fail("{}: the file is damaged: an option of {} bytes where an interface description has {}",
           place, length, options.size());
    }
    read_option(interface, code, options.first(length), numbers, place);
    options = options.subspan(padded);
  }
  return interface;
}

std::optional<LinkType> supported_link(uint32_t link_type) noexcept {
  switch (link_type) {
    case 1:
    case 284:  // with Marvell's EtherType tag, which is read like any other
      return LinkType::ethernet;
    case 12:
    case 14:
    case kRaw:
    case 228:  // IPv4
    case 229:  // IPv6
      return LinkType::raw_ip;
    case 113:
      return LinkType::linux_sll;
    case 276:
      return LinkType::linux_sll2;
    case 0:
    case 108:
      return LinkType::bsd_loopback;
    case 9:
    case 50:
      return LinkType::ppp;
    case 281:  // Broadcom
    case 283:  // Marvell
      return LinkType::dsa;
    case 282:
      return LinkType::dsa_before;
    default:
      return std::nullopt;
  }
}

std::string link_type_name(uint32_t link_type) {
  const char* name =
      pcap_datalink_val_to_name(link_type == kRaw ? DLT_RAW : static_cast<int>(link_type));
  return name != nullptr ? std::string(name) : fmt::format("number {}", link_type);
}

const char* supported_links() noexcept {
  return "Ethernet (also with switch tags), raw IP, Linux cooked 1 and 2, BSD loopback and PPP";
}

}  // namespace flowmark
