#pragma once

#include <cstdint>

#include "feature/feature_spec.h"
#include "feature/log_bins.h"

namespace flowmark {

/// Which histograms: "size_iat", "burst_surge", or "combined", both one behind the other.
enum class HistogramKind : uint8_t { size_iat, burst_surge, combined };
const char* to_string(HistogramKind kind) noexcept;

/// The two histograms of the tunnel paper (Leroux et al. 2018) over windows of a conversation's
/// packets. The size axes are signed: `bins` per direction, upstream bins first, so that an axis
/// has 2 * bins rows; row = bin for up, bins + bin for down.
///
/// size_iat: one count a packet: signed size x time since the flow's previous packet in either
/// direction (0, the lowest bin, for the flow's first).
///
/// burst_surge: one count a burst: its bytes, signed, x how long the surge it belongs to had lasted
/// when it ended: from the surge's first data packet to the burst's last. A burst is a run of data
/// packets (pure ACKs do not exist here) in one direction; a data packet of the other direction or
/// a gap of more than surge_gap_us between data packets ends it. A surge ends with such a gap. A
/// burst counts for the packet that ends it; the one still open at the window's end counts as it
/// stands. Bursts and surges belong to the flow: a window takes them whole, also where they began
/// before it. (docs/adr/0002-burst-surge-causal.md: why so, and why the duration so far, not the
/// final one.)
///
/// The window: the last window_packets packets, of them those younger than window_us (where it is
/// set) as seen from the newest. With slices: all packets of the newest slice of time and of the
/// slices - 1 before it, however many; a slice is window_us / slices long (sliced_histogram.h).
struct HistogramSpec {
  static constexpr uint32_t kMostSlices = 16;

  HistogramKind kind = HistogramKind::combined;
  uint32_t window_packets = 1024;  ///< 1 to 1024
  TimeUs window_us = 0;            ///< if > 0 the window is at most this long too: 10 ms to 1 h
  LogAxis size{16, 40, 1500};
  LogAxis iat_us{30, 1, 10e6};
  LogAxis burst_bytes{16, 40, 1e6};
  LogAxis surge_us{30, 100, 60e6};
  TimeUs surge_gap_us = kUsPerSecond;
  uint32_t slices = 0;  ///< 2 to kMostSlices: by window_us alone; 0: by packets

  bool has_size_iat() const noexcept { return kind != HistogramKind::burst_surge; }
  bool has_burst_surge() const noexcept { return kind != HistogramKind::size_iat; }

  friend bool operator==(const HistogramSpec&, const HistogramSpec&) = default;
};

/// The specification of such histograms: a tensor [1, length], size (or burst) axis first,
/// row-major. Values: count, fraction or log1p. Not checked yet.
FeatureSpec histogram(const HistogramSpec& spec, ValueKind values = ValueKind::count);
/// The numbers of a specification of this kind. Throws Error if it is of another.
const HistogramSpec& histogram_of(const FeatureSpec& spec);

/// For the list of kinds.
FeatureKind histogram_kind();

/// Elements of the tensor.
uint32_t length_of(const HistogramSpec& spec) noexcept;
/// Cuts a flow's windows: see Feature::cut.
void cut_histograms(const RecordedFlow& flow, const HistogramSpec& spec, ValueKind values,
                    const TilingOptions& options, const TakeWindow& take);
/// Histograms of live flows: a SlidingHistogram.
std::unique_ptr<const LiveFeature> live_histogram(const HistogramSpec& spec, ValueKind values);
/// The same of a specification with slices: a SlicedHistogram.
std::unique_ptr<const LiveFeature> live_sliced_histogram(const HistogramSpec& spec,
                                                         ValueKind values);

}  // namespace flowmark
