#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "runtime/packet_io.h"
#include "support/frames.h"

namespace flowmark::testing {

/// A PacketIo over prepared frames that remembers what was handed back to it.
class FakeIo final : public PacketIo {
 public:
  struct Frame {
    std::vector<uint8_t> bytes;
    TimeUs time_us = 0;
  };

  explicit FakeIo(std::vector<Frame> frames, size_t burst = 8)
      : frames_(std::move(frames)), burst_(burst) {}

  /// Called before each receive with the number of packets received so far.
  std::function<void(size_t)> before_receive;

  /// Packets that each receive() forwards unseen; it then shows none.
  size_t passes_by = 0;

  size_t receive(std::span<Packet> out) noexcept override {
    if (before_receive) before_receive(next_);
    if (passes_by != 0) out = out.first(0);
    first_ = next_;
    const size_t most = std::min({out.size(), burst_, frames_.size() - next_});
    for (size_t i = 0; i < most; ++i) {
      out[i] = packet_of(frames_[next_].bytes, frames_[next_].time_us);
      ++next_;
    }
    if (most > 0) now_us_ = frames_[next_ - 1].time_us;
    return most;
  }

  size_t passed_by() const noexcept override { return passes_by; }

  void transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept override {
    // Exactly the burst that was received, in its order.
    in_order &= packets.size() == next_ - first_ && marked.size() == packets.size();
    for (size_t i = 0; i < packets.size(); ++i) {
      in_order &= packets[i].data == frames_[first_ + i].bytes.data();
      sent.push_back(frames_[first_ + i].bytes);
    }
  }

  void rest(uint32_t) noexcept override { ++rests; }

  bool finished() const noexcept override { return next_ == frames_.size() && ends_; }
  TimeUs now() const noexcept override { return now_us_; }
  void close() noexcept override { closed = true; }
  void never_ends() { ends_ = false; }

  std::vector<std::vector<uint8_t>> sent;
  bool in_order = true;
  bool closed = false;
  std::atomic<size_t> rests{0};

 private:
  std::vector<Frame> frames_;
  size_t burst_;
  size_t next_ = 0, first_ = 0;
  TimeUs now_us_ = 0;
  bool ends_ = true;
};

}  // namespace flowmark::testing
