#include "unit/capture/capture_builder.h"

namespace flowmark::test {
namespace {

constexpr uint64_t kSecond = 1'700'000'000;

Bytes pcap(bool big, uint32_t magic, uint32_t unit) {
  CaptureBuilder b(big);
  b.pcap_header(1, magic);
  for (const auto& [size, seed] : {std::pair<size_t, uint8_t>{60, 1}, {61, 2}, {1, 3}}) {
    b.pcap_packet(kSecond + seed, seed * unit, payload(size, seed));
  }
  return b.bytes;
}

Bytes patched_pcap() {
  CaptureBuilder b;
  b.pcap_header(1, 0xa1b2cd34);
  for (const auto& [size, seed] : {std::pair<size_t, uint8_t>{60, 1}, {61, 2}, {1, 3}}) {
    b.u32(kSecond + seed);
    b.u32(seed);
    b.u32(static_cast<uint32_t>(size));
    b.u32(static_cast<uint32_t>(size));
    b.u32(7);  // interface, protocol, packet type
    b.u32(8);
    b.append(payload(size, seed));
  }
  return b.bytes;
}

// Lengths the other way round, as before version 2.3.
Bytes ancient_pcap() {
  CaptureBuilder b;
  b.pcap_header(1, 0xa1b2c3d4, 262144, 2);
  for (const auto& [size, seed] : {std::pair<size_t, uint8_t>{60, 1}, {61, 2}, {1, 3}}) {
    b.u32(kSecond + seed);
    b.u32(seed);
    b.u32(1500);
    b.u32(static_cast<uint32_t>(size));
    b.append(payload(size, seed));
  }
  return b.bytes;
}

Bytes comment(const CaptureBuilder& order, const std::string& text) {
  CaptureBuilder b = order.part();
  b.u16(1);
  b.u16(static_cast<uint16_t>(text.size()));
  b.append(Bytes(text.begin(), text.end()));
  b.bytes.resize((b.bytes.size() + 3) / 4 * 4);
  b.u32(0);
  return b.bytes;
}

Bytes pcapng(bool big) {
  CaptureBuilder b(big);
  b.section(comment(b, "made by hand"));
  b.interface(1, 262144, b.resolution(9));
  b.block(0x40000bad, {1, 2, 3});  // a block that nobody knows
  b.enhanced_packet(0, (kSecond + 1) * 1'000'000'000 + 1000, payload(60, 1), 0,
                    comment(b, "first"));
  b.interface(1, 65535);
  b.enhanced_packet(1, (kSecond + 2) * 1'000'000 + 2, payload(61, 2));
  b.old_packet(1, (kSecond + 3) * 1'000'000 + 3, payload(1, 3));
  b.block(5, Bytes(12));  // interface statistics
  return b.bytes;
}

Bytes simple_packets() {
  CaptureBuilder b;
  b.section();
  b.interface(1);
  for (const auto& [size, seed] : {std::pair<size_t, uint8_t>{60, 1}, {61, 2}, {1, 3}}) {
    b.simple_packet(payload(size, seed));
  }
  return b.bytes;
}

Bytes two_sections() {
  CaptureBuilder b;
  for (uint8_t seed = 1; seed <= 3; ++seed) {
    b.section();
    b.interface(1);
    b.enhanced_packet(0, (kSecond + seed) * 1'000'000 + seed,
                      payload(seed == 1   ? 60
                              : seed == 2 ? 61
                                          : 1,
                              seed));
  }
  return b.bytes;
}

// Interfaces as mergers write them: of several snap lengths and units of time, one of a link type
// that nobody reads.
Bytes merged() {
  CaptureBuilder b;
  b.section();
  b.interface(1, 96, b.resolution(9));
  b.interface(127);
  b.interface(1, 128, {14, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0});  // times less 100 s
  b.enhanced_packet(2, (kSecond + 1 - 100) * 1'000'000 + 1, payload(60, 1), 1500);
  b.enhanced_packet(0, (kSecond + 2) * 1'000'000'000 + 2000, payload(61, 2));
  b.enhanced_packet(2, (kSecond + 3 - 100) * 1'000'000 + 3, payload(1, 3));
  return b.bytes;
}

}  // namespace

std::vector<CaptureSample> capture_samples() {
  return {{"pcap", pcap(false, 0xa1b2c3d4, 1)},
          {"pcap, big endian", pcap(true, 0xa1b2c3d4, 1)},
          {"pcap, nanoseconds", pcap(false, 0xa1b23c4d, 1000)},
          {"pcap, nanoseconds, big endian", pcap(true, 0xa1b23c4d, 1000)},
          {"pcap, longer packet header", patched_pcap()},
          {"pcap, version 2.2", ancient_pcap()},
          {"pcapng", pcapng(false)},
          {"pcapng, big endian", pcapng(true)},
          {"pcapng, simple packets", simple_packets()},
          {"pcapng, three sections", two_sections()},
          {"pcapng, merged", merged()}};
}

}  // namespace flowmark::test
