#include "mark/marker.h"

#include "net/byte_order.h"

namespace flowmark {
namespace {

constexpr uint8_t kEcnMask = 0x03;
constexpr uint32_t kChecksumOffset = 10;

/// The checksum of an IPv4 header (RFC 791, RFC 1071), whatever its checksum field holds.
uint16_t whole_checksum(const uint8_t* header) noexcept {
  const uint32_t length = (header[0] & 0x0fu) * 4u;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < length; i += 2) {
    if (i != kChecksumOffset) sum += load_be16(header + i);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void write_ipv4(uint8_t* header, Dscp value) noexcept {
  const uint16_t old_word = load_be16(header);  // version, header length, TOS
  const auto tos = static_cast<uint8_t>((value << 2) | (header[1] & kEcnMask));
  header[1] = tos;
  const uint16_t checksum = load_be16(header + kChecksumOffset);
  // Captured before the network card filled it in. Where 0 was right, the sum over all is so too.
  const uint16_t updated = checksum == 0 ? whole_checksum(header)
                                         : update_checksum(checksum, old_word, load_be16(header));
  store_be16(header + kChecksumOffset, updated);
}

// The traffic class straddles the first two bytes (RFC 8200, section 3).
void write_ipv6(uint8_t* header, Dscp value) noexcept {
  header[0] = static_cast<uint8_t>((header[0] & 0xf0) | (value >> 2));
  header[1] = static_cast<uint8_t>(((value & 0x03) << 6) | (header[1] & 0x3f));
}

}  // namespace

uint16_t update_checksum(uint16_t checksum, uint16_t old_word, uint16_t new_word) noexcept {
  uint32_t sum = static_cast<uint16_t>(~checksum);
  sum += static_cast<uint16_t>(~old_word);
  sum += new_word;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void write_dscp(const Packet& packet, const ParsedPacket& parsed, Dscp value) noexcept {
  uint8_t* header = packet.data + parsed.mark_offset;
  if (parsed.ip_version == 4) {
    write_ipv4(header, value);
  } else {
    write_ipv6(header, value);
  }
}

Dscp read_dscp(const Packet& packet, const ParsedPacket& parsed) noexcept {
  const uint8_t* header = packet.data + parsed.mark_offset;
  if (parsed.ip_version == 4) return header[1] >> 2;
  return static_cast<Dscp>((header[0] & 0x0f) << 2 | header[1] >> 6);
}

}  // namespace flowmark
