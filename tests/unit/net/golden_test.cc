#include <gtest/gtest.h>

#include <memory>

#include "unit/net/golden.h"
#include "unit/net/guarded_buffer.h"

namespace flowmark::test {
namespace {

// A result as earlier packets may have left it: parse() must overwrite every field.
ParsedPacket stale() {
  ParsedPacket p;
  p.key.a.fill(0xee);
  p.key.b.fill(0xee);
  p.key.protocol = p.key.zone = 0xee;
  p.key.reserved = 0xeeee;
  p.from_a = false;
  p.pure_ack = true;
  p.tcp_flags = 0xee;
  p.fragment = Fragment::later;
  p.fragment_id = 0xeeeeeeee;
  p.mark_offset = p.l3_offset = p.l4_offset = p.ip_length = 0xeeee;
  return p;
}

ParsedPacket parse_bytes(uint8_t* data, uint32_t length, uint32_t wire, const GoldenCase& c) {
  Packet packet;
  packet.data = data;
  packet.head_length = length;
  packet.wire_length = wire;
  packet.link = c.link;
  ParsedPacket out = stale();
  parse(packet, c.options, out);
  return out;
}

class Golden : public testing::TestWithParam<GoldenCase> {};

TEST_P(Golden, Frame) {
  const GoldenCase& c = GetParam();
  GuardedBuffer buffer(c.bytes.size());
  const ParsedPacket parsed =
      parse_bytes(buffer.place(c.bytes), static_cast<uint32_t>(c.bytes.size()), c.wire_length, c);
  EXPECT_EQ(describe(parsed), c.expected);
}

// Cut by the capture anywhere: never a read past the end (guard page and, under ASan, an exact heap
// block), and either the very same flow or no flow.
TEST_P(Golden, EveryShorterCapture) {
  const GoldenCase& c = GetParam();
  GuardedBuffer buffer(c.bytes.size());
  const bool has_flow = c.expected.starts_with("status=ok");
  for (uint32_t length = 0; length < c.bytes.size(); ++length) {
    const std::span<const uint8_t> part(c.bytes.data(), length);
    const ParsedPacket parsed = parse_bytes(buffer.place(part), length, c.wire_length, c);
    const auto heap = std::make_unique<uint8_t[]>(length);
    std::copy(part.begin(), part.end(), heap.get());
    EXPECT_EQ(describe(parse_bytes(heap.get(), length, c.wire_length, c)), describe(parsed));

    if (parsed.status == ParseStatus::ok) {
      EXPECT_EQ(describe(parsed), c.expected) << "cut at " << length;
      EXPECT_LE(parsed.l4_offset, length);
    } else if (has_flow) {
      EXPECT_EQ(parsed.status, ParseStatus::truncated) << "cut at " << length;
    }
  }
}

// Cut on the wire, every tunnel asked for, any link type: whatever is said, its offsets lie inside.
TEST_P(Golden, EveryShorterFrameOfAnyLinkWithAllTunnels) {
  GoldenCase c = GetParam();
  c.options = ParseOptions::all_tunnels();
  GuardedBuffer buffer(c.bytes.size());
  for (int link = 0; link < kLinkTypeCount; ++link) {
    c.link = static_cast<LinkType>(link);
    for (uint32_t length = 0; length <= c.bytes.size(); ++length) {
      const std::span<const uint8_t> part(c.bytes.data(), length);
      const ParsedPacket parsed = parse_bytes(buffer.place(part), length, length, c);
      if (parsed.status != ParseStatus::ok) continue;
      const uint32_t header = parsed.ip_version == 4 ? 20 : 40;
      EXPECT_TRUE(parsed.ip_version == 4 || parsed.ip_version == 6);
      EXPECT_LE(parsed.mark_offset + header, length);
      EXPECT_LE(parsed.mark_offset, parsed.l3_offset);
      EXPECT_LT(parsed.l3_offset, parsed.l4_offset);
      EXPECT_LE(parsed.l4_offset, length);
      EXPECT_GE(parsed.ip_length, parsed.l4_offset - parsed.l3_offset);
    }
  }
}

std::string test_name(const testing::TestParamInfo<GoldenCase>& c) {
  std::string name;
  for (const char ch : c.param.name) {
    name += std::isalnum(static_cast<unsigned char>(ch)) ? ch : '_';
  }
  return name + "_" + std::to_string(c.index);
}

INSTANTIATE_TEST_SUITE_P(Parse, Golden, testing::ValuesIn(read_all_golden()), test_name);

}  // namespace
}  // namespace flowmark::test
