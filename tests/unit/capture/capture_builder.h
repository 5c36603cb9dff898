#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unit/capture/test_files.h"

namespace flowmark::test {

/// Builds capture files byte by byte, in either byte order.
class CaptureBuilder {
 public:
  explicit CaptureBuilder(bool big_endian = false) : big_(big_endian) {}

  Bytes bytes;

  void u8(uint8_t v) { bytes.push_back(v); }
  void u16(uint16_t v) {
    u8(static_cast<uint8_t>(big_ ? v >> 8 : v));
    u8(static_cast<uint8_t>(big_ ? v : v >> 8));
  }
  void u32(uint32_t v) {
    u16(static_cast<uint16_t>(big_ ? v >> 16 : v));
    u16(static_cast<uint16_t>(big_ ? v : v >> 16));
  }
  void append(const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

  // pcap
  void pcap_header(uint32_t link, uint32_t magic = 0xa1b2c3d4, uint32_t snap = 262144,
                   uint16_t minor = 4) {
    u32(magic);
    u16(2);
    u16(minor);
    u32(0);
    u32(0);
    u32(snap);
    u32(link);
  }
  void pcap_packet(uint32_t seconds, uint32_t fraction, const Bytes& data, uint32_t wire = 0) {
    u32(seconds);
    u32(fraction);
    u32(static_cast<uint32_t>(data.size()));
    u32(wire != 0 ? wire : static_cast<uint32_t>(data.size()));
    append(data);
  }

  // pcapng; options are given as they stand in the file, padded
  void block(uint32_t type, const Bytes& body) {
    const size_t padded = (body.size() + 3) / 4 * 4;
    u32(type);
    u32(static_cast<uint32_t>(padded + 12));
    append(body);
    bytes.resize(bytes.size() + padded - body.size());
    u32(static_cast<uint32_t>(padded + 12));
  }
  CaptureBuilder part() const { return CaptureBuilder(big_); }
  void section(const Bytes& options = {}) {
    CaptureBuilder b = part();
    b.u32(0x1a2b3c4d);
    b.u16(1);
    b.u16(0);
    b.u32(0xffffffff);
    b.u32(0xffffffff);
    b.append(options);
    block(0x0a0d0d0a, b.bytes);
  }
  void interface(uint16_t link, uint32_t snap = 262144, const Bytes& options = {}) {
    CaptureBuilder b = part();
    b.u16(link);
    b.u16(0);
    b.u32(snap);
    b.append(options);
    block(1, b.bytes);
  }
  /// if_tsresol: units of 10^-digits seconds.
  Bytes resolution(uint8_t digits) const {
    CaptureBuilder b = part();
    b.u16(9);
    b.u16(1);
    b.append({digits, 0, 0, 0});
    b.u32(0);
    return b.bytes;
  }
  void enhanced_packet(uint32_t interface_id, uint64_t time, const Bytes& data, uint32_t wire = 0,
                       const Bytes& options = {}) {
    CaptureBuilder b = part();
    b.u32(interface_id);
    b.u32(static_cast<uint32_t>(time >> 32));
    b.u32(static_cast<uint32_t>(time));
    b.u32(static_cast<uint32_t>(data.size()));
    b.u32(wire != 0 ? wire : static_cast<uint32_t>(data.size()));
    b.append(data);
    b.bytes.resize((b.bytes.size() + 3) / 4 * 4);
    b.append(options);
    block(6, b.bytes);
  }
  void old_packet(uint16_t interface_id, uint64_t time, const Bytes& data) {
    CaptureBuilder b = part();
    b.u16(interface_id);
    b.u16(0xffff);
    b.u32(static_cast<uint32_t>(time >> 32));
    b.u32(static_cast<uint32_t>(time));
    b.u32(static_cast<uint32_t>(data.size()));
    b.u32(static_cast<uint32_t>(data.size()));
    b.append(data);
    block(2, b.bytes);
  }
  void simple_packet(const Bytes& data, uint32_t wire = 0) {
    CaptureBuilder b = part();
    b.u32(wire != 0 ? wire : static_cast<uint32_t>(data.size()));
    b.append(data);
    block(3, b.bytes);
  }

 private:
  bool big_;
};

/// `size` bytes that no other packet has.
inline Bytes payload(size_t size, uint8_t seed) {
  Bytes data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 3 + seed);
  return data;
}

/// One of every kind of capture file that is supported, three packets of 60, 61 and 1 bytes each.
struct CaptureSample {
  std::string name;
  Bytes bytes;
};
std::vector<CaptureSample> capture_samples();

}  // namespace flowmark::test
