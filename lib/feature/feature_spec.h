#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace flowmark {

enum class FeatureKind : uint8_t { flowpic, size_iat, burst_surge, combined };
enum class ValueKind : uint8_t { count, binary, fraction, log1p };
const char* to_string(FeatureKind kind) noexcept;
const char* to_string(ValueKind kind) noexcept;

/// FlowPic (Shapira & Shavitt 2019, III.B): one direction of a flow, arrival time by packet size.
/// column = floor((t - window start) * time_bins / window), row = floor((size - 1) * size_bins /
/// max_size), both from 0; packets larger than max_size (or of size 0) are left out.
struct PictureSpec {
  TimeUs window_us = 60 * kUsPerSecond;
  uint32_t time_bins = 1500;
  uint32_t size_bins = 1500;
  uint32_t max_size = 1500;

  friend bool operator==(const PictureSpec&, const PictureSpec&) = default;
};

/// A logarithmic axis: bin = floor(bins * log(v / min) / log(max / min)), clamped to [0, bins),
/// with edges rounded up to whole numbers (feature/log_bins.h says how exactly).
struct LogAxis {
  uint32_t bins = 0;
  double min = 0;
  double max = 0;

  friend bool operator==(const LogAxis&, const LogAxis&) = default;
};

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
/// set) as seen from the newest.
struct HistogramSpec {
  uint32_t window_packets = 1024;  ///< 1 .. 1024
  TimeUs window_us = 0;            ///< if > 0 the window is at most this long too
  LogAxis size{16, 40, 1500};
  LogAxis iat_us{30, 1, 10e6};
  LogAxis burst_bytes{16, 40, 1e6};
  LogAxis surge_us{30, 100, 60e6};
  TimeUs surge_gap_us = kUsPerSecond;

  friend bool operator==(const HistogramSpec&, const HistogramSpec&) = default;
};

/// What a model reads: `flowmark.input` of a model file.
struct FeatureSpec {
  FeatureKind kind = FeatureKind::flowpic;
  ValueKind values = ValueKind::count;
  PictureSpec picture;      ///< when kind is flowpic
  HistogramSpec histogram;  ///< otherwise

  bool is_picture() const noexcept { return kind == FeatureKind::flowpic; }
  /// Elements of the input tensor: size_bins * time_bins, or n of the histogram(s).
  uint32_t length() const noexcept;

  /// Throws Error, beginning with `where`, if a value is out of range: bins of a picture 1..4096
  /// each, max_size 1..65535, windows 10 ms..1 h, bins of an axis 1..256, a histogram's length at
  /// most 65535; pictures have any values but fraction, histograms any but binary.
  void check(const std::string& where) const;

  /// Reads the JSON form (docs/models.md); all keys but "kind" have defaults. Throws Error naming
  /// the key, the value and the allowed range; unknown keys are errors, also those of another kind.
  /// `where` begins the message, e.g. "model.onnx: flowmark.input".
  static FeatureSpec from_json(const std::string& text, const std::string& where);
  /// The JSON form with all keys that its kind has; from_json gives an equal specification back.
  std::string to_json() const;

  friend bool operator==(const FeatureSpec&, const FeatureSpec&) = default;
};

}  // namespace flowmark
