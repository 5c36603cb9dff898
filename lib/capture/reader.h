#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "net/packet.h"

namespace flowmark {

/// Reads a capture (pcap or pcapng, plain, gzip, bzip2 or xz; Ethernet, raw IP, Linux cooked 1 and
/// 2, BSD loopback, PPP) packet by packet, in file order.
class CaptureReader {
 public:
  /// Throws Error: missing file, no capture, link type not accepted (by name).
  explicit CaptureReader(const std::filesystem::path& path);
  ~CaptureReader();

  /// False at the end. The packet's bytes are the reader's own buffer, writable, valid until the
  /// next call. Throws Error naming file and packet number when the file is cut off or damaged.
  bool next(Packet& packet);

  LinkType link() const noexcept;
  uint64_t packets_read() const noexcept;
  /// Share of the file read so far, 0..1, for progress bars.
  double progress() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Copies a capture, byte for byte but for what the caller changes in each packet: same format
/// (pcap or pcapng), link type, snap length, times at their full precision, order and lengths.
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
