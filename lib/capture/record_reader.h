#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "capture/capture_interface.h"
#include "capture/input_file.h"

namespace flowmark {

/// One piece of a capture file as it stands there: the file's or a section's header, a packet with
/// its header, or a pcapng block of another kind. The fields behind `bytes` are those of packets.
struct CaptureRecord {
  enum class Kind : uint8_t { header, packet, other };
  Kind kind = Kind::other;
  std::vector<uint8_t> bytes;
  size_t data_offset = 0;    ///< of the packet's bytes in `bytes`
  uint32_t data_length = 0;  ///< captured bytes
  uint32_t wire_length = 0;  ///< bytes on the wire as the file says
  uint32_t interface = 0;    ///< its number in the section; 0 in a pcap file
  uint64_t time = 0;         ///< in the interface's units; 0 where the file has no times
};

/// Walks a pcap or pcapng file record by record: the records' bytes in a row are the file. Holds
/// one record, and about 40 bytes for each interface of the section. Formats: pcap
/// (draft-ietf-opsawg-pcap), also as written before version 2.4, with nanoseconds or Kuznetzov's
/// longer packet headers; pcapng (draft-ietf-opsawg-pcapng), sections of either byte order.
class RecordReader {
 public:
  /// Throws Error if the file cannot be read or is no capture.
  explicit RecordReader(const std::filesystem::path& path);

  /// The next record; false at the end. Throws Error naming file, packet and what is wrong with it.
  bool next(CaptureRecord& record);

  /// The interface of the packet that was read last.
  const CaptureInterface& interface_of(const CaptureRecord& packet) const {
    return interfaces_[packet.interface];
  }

  /// Whatever is left, without looking at it.
  size_t read_rest(std::span<uint8_t> out);

  bool is_pcapng() const noexcept { return pcapng_; }
  uint64_t packets() const noexcept { return packets_; }
  const InputFile& file() const noexcept { return file_; }

 private:
  void read_pcap_header();
  bool next_pcap(CaptureRecord& record);
  bool next_block(CaptureRecord& record);
  void start_section(const CaptureRecord& record);
  void check_version(const CaptureRecord& section) const;
  void read_enhanced_packet(CaptureRecord& record, bool old);
  void read_simple_packet(CaptureRecord& record);
  void find_packet(CaptureRecord& record, size_t data_offset, uint32_t captured);
  void take(CaptureRecord& record, size_t bytes, const char* what);
  bool take_start(CaptureRecord& record, size_t bytes, const char* what);
  std::string place() const;

  enum class Lengths : uint8_t { captured_first, captured_second, captured_smaller };

  std::string path_;
  InputFile file_;
  std::vector<uint8_t> start_;  // of the file, read by the constructor
  bool pcapng_ = false;
  FileNumbers numbers_;
  size_t packet_header_ = 16;                  // pcap
  Lengths lengths_ = Lengths::captured_first;  // pcap
  std::vector<CaptureInterface> interfaces_;
  uint64_t packets_ = 0;
};

}  // namespace flowmark
