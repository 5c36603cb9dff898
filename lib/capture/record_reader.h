#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "capture/input_file.h"

namespace flowmark {

/// One piece of a capture file as it stands there: the file's header, a packet with its header, or
/// a pcapng block of another kind.
struct CaptureRecord {
  enum class Kind : uint8_t { header, interface, packet, other };
  Kind kind = Kind::other;
  std::vector<uint8_t> bytes;
  size_t data_offset = 0;    ///< of the packet's bytes in `bytes`
  uint32_t data_length = 0;  ///< captured bytes
};

/// Walks a pcap or pcapng file record by record: the records' bytes in a row are the file. Knows of
/// the formats what is needed to find the packets, and checks that; times and the like are
/// libpcap's.
class RecordReader {
 public:
  /// Throws Error if the file cannot be read or is no capture.
  explicit RecordReader(const std::filesystem::path& path);

  /// The next record; false at the end. Throws Error naming file, packet and what is wrong with it.
  bool next(CaptureRecord& record);

  /// Whatever is left, without looking at it.
  size_t read_rest(std::span<uint8_t> out);

  uint64_t packets() const noexcept { return packets_; }
  const InputFile& file() const noexcept { return file_; }

 private:
  bool next_pcap(CaptureRecord& record);
  bool next_block(CaptureRecord& record);
  void read_section_order(const CaptureRecord& record);
  void find_packet(CaptureRecord& record, size_t data_offset, uint32_t captured);
  void check_interface(const CaptureRecord& record);
  void take(CaptureRecord& record, size_t bytes, const char* what);
  bool take_start(CaptureRecord& record, size_t bytes, const char* what);
  uint16_t u16(const uint8_t* p) const noexcept;
  uint32_t u32(const uint8_t* p) const noexcept;
  std::string place() const;

  enum class Lengths : uint8_t { captured_first, captured_second, captured_smaller };

  std::string path_;
  InputFile file_;
  std::vector<uint8_t> start_;  // of the file, read by the constructor
  bool pcapng_ = false;
  bool big_endian_ = false;
  size_t packet_header_ = 16;                  // pcap
  Lengths lengths_ = Lengths::captured_first;  // pcap
  int first_link_ = -1;                        // pcapng
  uint32_t interfaces_ = 0;
  uint64_t packets_ = 0;
};

}  // namespace flowmark
