#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/progress.h"
#include "capture/capture_clock.h"
#include "capture/reader.h"
#include "runtime/packet_io.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// A capture as a worker's source, at the capture's own clock, and optionally a marked copy as its
/// sink. Bursts depend on the capture alone: at most 32 packets and at most 1 ms of its time. Times
/// are CaptureClock's.
class CaptureIo final : public PacketIo {
 public:
  /// Throws Error: see CaptureReader and CaptureCopier. `marked_copy` may be empty.
  CaptureIo(const std::filesystem::path& capture, const std::filesystem::path& marked_copy,
            WorkerCounters& counters, Progress* progress);
  ~CaptureIo() override;

  size_t receive(std::span<Packet> out) noexcept override;
  void transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept override;
  bool finished() const noexcept override { return finished_; }
  TimeUs now() const noexcept override { return clock_.now_us(); }

  /// What ended the replay early (the capture is cut off, the copy cannot be written), or empty.
  /// What was read until then has been processed.
  const std::string& error() const noexcept { return error_; }

  /// For what is to be said of the capture afterwards.
  const CaptureReader& reader() const noexcept { return reader_; }

  /// Completes the marked copy: to be called after the worker's run. Throws Error.
  void finish_copy();

 private:
  static constexpr size_t kBurst = 32;
  static constexpr TimeUs kBurstUs = 1000;

  bool read_ahead();

  CaptureReader reader_;
  std::unique_ptr<CaptureCopier> copier_;
  WorkerCounters& counters_;
  Progress* progress_;
  std::array<std::vector<uint8_t>, kBurst> buffers_;  ///< the reader's own holds one packet
  Packet ahead_;  ///< read, not yet handed out; bytes in the reader
  bool has_ahead_ = false;
  bool finished_ = false;
  CaptureClock clock_;
  std::string error_;
};

}  // namespace flowmark
