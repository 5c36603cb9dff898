#include "feature/feature_spec.h"

#include "base/error.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxPictureBins = 4096;  // the longest picture has 16'777'216 elements
constexpr uint32_t kMaxHistogramLength = 65535;
constexpr uint32_t kMaxAxisBins = 256;
constexpr double kMinAxisValue = 1e-3;
constexpr double kMaxAxisValue = 4294967295.0;
constexpr TimeUs kMinWindowUs = 10 * kUsPerMs;
constexpr TimeUs kMaxWindowUs = 3600 * kUsPerSecond;

struct Checker {
  const std::string& where;

  template <typename T>
  void range(const char* key, T value, T low, T high) const {
    if (!(value >= low && value <= high)) {
      fail("{}: {}: {} is out of range, allowed is {} to {}", where, key, value, low, high);
    }
  }

  void window(TimeUs window_us) const {
    constexpr double second = kUsPerSecond;
    range("window_s", static_cast<double>(window_us) / second, kMinWindowUs / second,
          kMaxWindowUs / second);
  }

  void axis(const char* key, const LogAxis& axis) const {
    const std::string name = key;
    range((name + ".bins").c_str(), axis.bins, 1U, kMaxAxisBins);
    range((name + ".min").c_str(), axis.min, kMinAxisValue, kMaxAxisValue);
    range((name + ".max").c_str(), axis.max, kMinAxisValue, kMaxAxisValue);
    if (!(axis.min < axis.max)) {
      fail("{}: {}: min {} is not below max {}", where, key, axis.min, axis.max);
    }
  }

  void picture(const PictureSpec& spec) const {
    window(spec.window_us);
    range("time_bins", spec.time_bins, 1U, kMaxPictureBins);
    range("size_bins", spec.size_bins, 1U, kMaxPictureBins);
    range("max_size", spec.max_size, 1U, 65535U);
  }

  void histogram(FeatureKind kind, const HistogramSpec& spec) const {
    range("window_packets", spec.window_packets, 1U, 1024U);
    if (spec.window_us != 0) window(spec.window_us);
    if (kind != FeatureKind::burst_surge) {
      axis("size", spec.size);
      axis("iat_us", spec.iat_us);
    }
    if (kind != FeatureKind::size_iat) {
      axis("burst_bytes", spec.burst_bytes);
      axis("surge_us", spec.surge_us);
      range<TimeUs>("surge_gap_us", spec.surge_gap_us, 1, kMaxWindowUs);
    }
  }
};

}  // namespace

const char* to_string(FeatureKind kind) noexcept {
  switch (kind) {
    case FeatureKind::flowpic:
      return "flowpic";
    case FeatureKind::size_iat:
      return "size_iat";
    case FeatureKind::burst_surge:
      return "burst_surge";
    case FeatureKind::combined:
      return "combined";
  }
  return "?";
}

const char* to_string(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::count:
      return "count";
    case ValueKind::binary:
      return "binary";
    case ValueKind::fraction:
      return "fraction";
    case ValueKind::log1p:
      return "log1p";
  }
  return "?";
}

uint32_t FeatureSpec::length() const noexcept {
  const uint32_t size_iat = 2 * histogram.size.bins * histogram.iat_us.bins;
  const uint32_t burst_surge = 2 * histogram.burst_bytes.bins * histogram.surge_us.bins;
  switch (kind) {
    case FeatureKind::flowpic:
      return picture.size_bins * picture.time_bins;
    case FeatureKind::size_iat:
      return size_iat;
    case FeatureKind::burst_surge:
      return burst_surge;
    case FeatureKind::combined:
      return size_iat + burst_surge;
  }
  return 0;
}

void FeatureSpec::check(const std::string& where) const {
  const Checker checker{where};
  if (is_picture()) {
    checker.picture(picture);
  } else {
    checker.histogram(kind, histogram);
    if (length() > kMaxHistogramLength) {
      fail("{}: bins: the histogram has {} cells, allowed are {}", where, length(),
           kMaxHistogramLength);
    }
  }
  const bool in_kind = values != (is_picture() ? ValueKind::fraction : ValueKind::binary);
  if (!in_kind) {
    fail("{}: values: \"{}\" does not go with {}, allowed are {}", where, to_string(values),
         to_string(kind), is_picture() ? "count, binary, log1p" : "count, fraction, log1p");
  }
}

}  // namespace flowmark
