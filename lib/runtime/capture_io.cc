#include "runtime/capture_io.h"

#include <algorithm>
#include <exception>

namespace flowmark {

CaptureIo::CaptureIo(const std::filesystem::path& capture, const std::filesystem::path& marked_copy,
                     WorkerCounters& counters, Progress* progress)
    : reader_(capture), counters_(counters), progress_(progress) {
  if (!marked_copy.empty()) copier_ = std::make_unique<CaptureCopier>(capture, marked_copy);
}

CaptureIo::~CaptureIo() = default;

// A replay may allocate and throw; a failure ends it after the packets before it.
bool CaptureIo::read_ahead() {
  if (has_ahead_) return true;
  if (finished_ || !error_.empty()) return false;
  try {
    has_ahead_ = reader_.next(ahead_);
  } catch (const std::exception& error) {
    error_ = error.what();
  }
  if (!has_ahead_) return false;
  ahead_.time_us = clock_.advance(ahead_.time_us);
  ahead_.port = 0;
  return true;
}

size_t CaptureIo::receive(std::span<Packet> out) noexcept {
  const size_t most = std::min(out.size(), kBurst);
  size_t count = 0;
  while (count < most && read_ahead()) {
    if (count > 0 && ahead_.time_us - out[0].time_us > kBurstUs) break;
    std::vector<uint8_t>& buffer = buffers_[count];
    buffer.assign(ahead_.data, ahead_.data + ahead_.head_length);
    out[count] = ahead_;
    out[count].data = buffer.data();
    has_ahead_ = false;
    counters_.ports[0].rx_packets.add();
    counters_.ports[0].rx_bytes.add(ahead_.wire_length);
    ++count;
  }
  if (count == 0) finished_ = true;
  if (progress_ != nullptr) progress_->set(static_cast<uint64_t>(reader_.progress() * 1000));
  return count;
}

void CaptureIo::transmit(std::span<const Packet> packets, std::span<const bool>) noexcept {
  for (const Packet& packet : packets) {
    if (copier_ != nullptr) {
      try {
        copier_->write(packet);
      } catch (const std::exception& error) {
        error_ = error.what();
        copier_.reset();
        finished_ = true;
      }
    }
    counters_.ports[0].tx_packets.add();
    counters_.ports[0].tx_bytes.add(packet.wire_length);
  }
}

void CaptureIo::finish_copy() {
  if (copier_ != nullptr) copier_->finish();
}

}  // namespace flowmark
