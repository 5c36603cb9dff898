#pragma once

#include <cstdint>

#include "feature/log_bins.h"
#include "flow/packet_record.h"

namespace flowmark {

/// The tables of a histogram spec.
struct HistogramTables {
  explicit HistogramTables(const FeatureSpec& spec);

  uint32_t window_packets;
  uint32_t window_us;  ///< 0: no limit
  uint32_t length;
  uint32_t surge_gap_us;
  bool has_size_iat;
  bool has_burst_surge;
  uint32_t burst_surge_start;  ///< index of its first cell
  uint32_t most_bins;          ///< different ones in a window, the open burst's included
  LogBins size;
  LogBins iat_us;
  LogBins burst_bytes;
  LogBins surge_us;
};

/// What one packet adds to the histogram.
struct Contribution {
  uint32_t bins[2];
  uint32_t count = 0;
};

/// Walks along a flow and tells what each packet adds. It looks only back, so that a tracker
/// started again where the window begins finds exactly what was added there (docs/adr/
/// 0002-burst-surge-causal.md).
class HistogramTracker {
 public:
  /// Times must not run back, and neighbours lie less than 2^32 microseconds apart.
  Contribution step(const PacketRecord& record, const HistogramTables& tables) noexcept;
  /// The same for a packet whose bins nobody wants.
  void follow(const PacketRecord& record, const HistogramTables& tables) noexcept;

  bool has_open_burst() const noexcept { return is_open_; }
  /// The bin of the open burst as it stands.
  uint32_t open_burst_bin(const HistogramTables& tables) const noexcept;

 private:
  uint32_t pass_time(uint32_t time_us) noexcept;
  bool begins_surge(uint32_t surge_gap_us) const noexcept {
    return !is_open_ || since_data_us_ > surge_gap_us;
  }
  void add_data(const PacketRecord& record, bool is_new_surge) noexcept;

  uint32_t time_us_ = 0;        ///< of the last packet
  uint32_t since_data_us_ = 0;  ///< time since the last data packet; this and the next two saturate
  uint32_t surge_us_ = 0;       ///< from the surge's first data packet to the last
  uint32_t burst_bytes_ = 0;
  uint8_t direction_ = 0;
  bool is_open_ = false;
  bool is_started_ = false;
};

}  // namespace flowmark
