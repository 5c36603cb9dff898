#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "unit/window/reference.h"
#include "window/flow_windows.h"

namespace flowmark {

inline FeatureSpec picture_spec(double window_s, uint32_t time_bins, uint32_t size_bins,
                                uint32_t max_size, ValueKind values = ValueKind::count) {
  return flowpic({static_cast<TimeUs>(window_s * 1e6), time_bins, size_bins, max_size}, values);
}

inline FeatureSpec histogram_spec(HistogramKind kind, uint32_t packets, TimeUs window_us = 0,
                                  ValueKind values = ValueKind::count) {
  return histogram({.kind = kind, .window_packets = packets, .window_us = window_us}, values);
}

/// Bins so many that the histogram's counts stay in the hash table.
inline FeatureSpec fine_histogram_spec() {
  return histogram({.kind = HistogramKind::combined,
                    .size = {100, 40, 1500},
                    .iat_us = {150, 1, 10e6},
                    .burst_bytes = {60, 40, 1e6},
                    .surge_us = {200, 100, 60e6}});
}

inline PacketRecord record_of(const FlowPacket& packet) {
  return {static_cast<uint32_t>(packet.time_us), packet.size,
          static_cast<uint8_t>(packet.direction), static_cast<uint8_t>(packet.pure_ack)};
}

/// A flow's windows with the pool they live in.
class Flow {
 public:
  explicit Flow(std::vector<FeatureSpec> specs, size_t pool_bytes = 1 << 20)
      : plan_(std::move(specs)),
        pool_(pool_bytes),
        windows_(FlowWindows::create(plan_, pool_, {})) {
    out_.reserve(plan_.max_values());
  }
  ~Flow() {
    FlowWindows::destroy(windows_, plan_, pool_);
    EXPECT_EQ(pool_.used(), 0U);
  }

  AppendResult append(const FlowPacket& packet) {
    return windows_->append(record_of(packet), plan_, pool_);
  }
  const SparseWindow& features(size_t spec, Direction direction = Direction::up) {
    const size_t capacity = out_.capacity();
    windows_->features(spec, direction, plan_, out_);
    EXPECT_EQ(out_.capacity(), capacity) << "features() allocated";
    return out_;
  }
  uint32_t packets(size_t spec, Direction direction = Direction::up) const {
    return windows_->packets_in_window(spec, direction, plan_);
  }
  FlowWindows& operator*() { return *windows_; }
  const WindowPlan& plan() const { return plan_; }
  BlockPool& pool() { return pool_; }

 private:
  WindowPlan plan_;
  BlockPool pool_;
  FlowWindows* windows_;
  SparseWindow out_;
};

inline std::vector<FeatureSpec> various_specs() {
  return {
      picture_spec(60, 1500, 1500, 1500),
      picture_spec(15, 32, 32, 1500, ValueKind::binary),
      picture_spec(0.01, 4096, 7, 65535),
      picture_spec(0.7, 13, 4096, 1000, ValueKind::log1p),
      histogram_spec(HistogramKind::size_iat, 1024),
      histogram_spec(HistogramKind::burst_surge, 100),
      histogram_spec(HistogramKind::combined, 1024, 0, ValueKind::fraction),
      histogram_spec(HistogramKind::combined, 300, 2'000'000, ValueKind::log1p),
      histogram_spec(HistogramKind::size_iat, 1),
      fine_histogram_spec(),
  };
}

}  // namespace flowmark
