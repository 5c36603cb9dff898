#pragma once

#include <cstdint>
#include <span>

#include "feature/histogram/histogram.h"
#include "flow/packet_record.h"

namespace flowmark {

/// The tables of a histogram spec.
struct HistogramTables {
  HistogramTables(const HistogramSpec& spec, ValueKind value_kind);

  uint32_t window_packets;
  uint32_t window_us;  ///< 0: no limit
  uint32_t slices;     ///< 0: the window is the newest packets
  uint32_t slice_us;
  uint32_t length;
  uint32_t surge_gap_us;
  ValueKind values;
  bool has_size_iat;
  bool has_burst_surge;
  uint32_t burst_surge_start;  ///< index of its first cell
  uint32_t most_bins;          ///< different ones in a window, the open burst's included
  LogBins size;
  LogBins iat_us;
  LogBins burst_bytes;
  LogBins surge_us;
};

/// Walks along a flow and tells what each packet adds. It looks only back, so that a tracker
/// started again where the window begins finds exactly what was added there (docs/adr/
/// 0002-burst-surge-causal.md).
class HistogramTracker {
 public:
  /// Adds what these packets contribute to `counts` (tables.length of them). Times must not run
  /// back, and neighbours lie less than 2^32 microseconds apart.
  void count(std::span<const PacketRecord> records, const HistogramTables& tables,
             std::span<uint16_t> counts) noexcept;
  /// The same for packets that are counted nowhere.
  void follow(std::span<const PacketRecord> records, const HistogramTables& tables) noexcept;

  bool has_open_burst() const noexcept { return is_open_; }
  /// The bin of the open burst as it stands.
  uint32_t open_burst_bin(const HistogramTables& tables) const noexcept;

 private:
  void count(const PacketRecord& record, const HistogramTables& tables, uint16_t* counts) noexcept;
  void follow(const PacketRecord& record, const HistogramTables& tables) noexcept;
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
