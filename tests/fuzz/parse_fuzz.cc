// The packet parser. Input: a byte of link type and, in its upper half, four tunnels, a byte of the
// other tunnels, a byte of how much longer the frame was on the wire, the frame.
#include <cstring>
#include <memory>

#include "net/dissect.h"
#include "net/fragment_table.h"
#include "net/parse.h"
#include "tests/fuzz/expect.h"

using namespace flowmark;

namespace {

bool same(const ParsedPacket& x, const ParsedPacket& y) {
  if (x.status != y.status) return false;
  if (x.status != ParseStatus::ok) return true;
  return x.key == y.key && x.from_a == y.from_a && x.pure_ack == y.pure_ack &&
         x.tcp_flags == y.tcp_flags && x.fragment == y.fragment && x.ip_version == y.ip_version &&
         x.traffic_class == y.traffic_class && x.mark_offset == y.mark_offset &&
         x.l3_offset == y.l3_offset && x.l4_offset == y.l4_offset && x.ip_length == y.ip_length &&
         x.fragment_id == y.fragment_id;
}

void check(const Packet& packet, const ParsedPacket& p) {
  const uint32_t header = p.ip_version == 4 ? 20 : 40;
  expect(p.ip_version == 4 || p.ip_version == 6, "an IP version");
  expect(packet.data[p.mark_offset] >> 4 == p.ip_version, "mark_offset points at an IP header");
  expect(p.mark_offset + header <= packet.head_length, "the header to mark is there");
  expect(p.mark_offset <= p.l3_offset && p.l3_offset < p.l4_offset, "offsets are in order");
  expect(p.l4_offset <= packet.head_length, "the transport header starts inside");
  expect(p.ip_length >= p.l4_offset - p.l3_offset, "the length covers the headers");
  expect(p.key.a <= p.key.b, "the smaller address is endpoint a");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t length = size - 3;
  const auto frame = std::make_unique<uint8_t[]>(length);  // its end is the buffer's end
  if (length > 0) std::memcpy(frame.get(), data + 3, length);
  Packet packet;
  packet.data = frame.get();
  packet.head_length = static_cast<uint32_t>(length);
  packet.wire_length = packet.head_length + data[2];
  packet.link = static_cast<LinkType>((data[0] & 0x0f) % kLinkTypeCount);
  ParseOptions options;
  const unsigned tunnels = data[1] | (data[0] & 0xf0u) << 4;
  for (int i = 0; i < kTunnelCount; ++i) {
    if ((tunnels >> i & 1) != 0) options.enter(static_cast<Tunnel>(i));
  }
  ParsedPacket parsed, general;
  parse(packet, options, parsed);
  dissect(packet, options, general);
  expect(same(parsed, general), "the short way and the general parser agree");
  if (parsed.status == ParseStatus::ok) {
    check(packet, parsed);
    static FragmentTable fragments({}, 64);
    fragments.resolve(parsed, data[2]);
    expect(!to_string(parsed.key, parsed.from_a).empty(), "a key has a text");
  }
  return 0;
}
