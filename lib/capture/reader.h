#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "net/packet.h"

namespace flowmark {

/// Reads a capture (pcap or pcapng, plain, gzip, bzip2 or xz; Ethernet, also with switch tags, raw
/// IP, Linux cooked 1 and 2, BSD loopback, PPP) packet by packet, in file order. The interfaces of
/// a pcapng file may differ in link type, snap length and the units of their times.
class CaptureReader {
 public:
  /// Throws Error: missing file, no capture, a pcap file of a link type not accepted (by name).
  explicit CaptureReader(const std::filesystem::path& path);
  ~CaptureReader();

  /// False at the end. The packet's bytes are the reader's own buffer, writable, valid until the
  /// next call. Throws Error naming file and packet number when the file is cut off or damaged, or
  /// the packet is of an interface of a link type not accepted; an interface without packets may
  /// have any.
  bool next(Packet& packet);

  uint64_t packets_read() const noexcept;
  /// Captured bytes of the longest packet that is longer on the wire; 0 without such packets. Where
  /// packets are cut, this is the snap length that was in force, whatever the file says of it.
  uint32_t longest_cut() const noexcept;
  /// Share of the file read so far, 0..1, for progress bars.
  double progress() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What to say of a capture of which `cut_off` of `packets` packets were captured too short to hold
/// their headers, `longest` bytes at most.
std::string cut_off_text(const std::filesystem::path& path, uint64_t cut_off, uint64_t packets,
                         uint32_t longest);

/// Copies a capture, byte for byte but for what the caller changes in each packet: same format
/// (pcap or pcapng), blocks, link types, snap lengths, times at their full precision, order and
/// lengths.
class CaptureCopier {
 public:
  /// Reads `from` again while writing `to` (by rename at finish()).
  CaptureCopier(const std::filesystem::path& from, const std::filesystem::path& to);
  ~CaptureCopier();

  /// The next packet of `from`, to be written as `packet.data` now says. Must be called once per
  /// packet, in order.
  void write(const Packet& packet);
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowmark
