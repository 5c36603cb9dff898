#include "feature/histogram/histogram.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "feature/json_object.h"
#include "feature/live_cut.h"
#include "feature/live_feature.h"
#include "feature/range_check.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxLength = 65535;
constexpr uint32_t kMostSlicedCells = 32768;  // counts of 16 bits in a block of the pool
constexpr uint32_t kMaxAxisBins = 256;
constexpr double kMinAxisValue = 1e-3;
constexpr double kMaxAxisValue = 4294967295.0;
constexpr HistogramKind kKinds[] = {HistogramKind::size_iat, HistogramKind::burst_surge,
                                    HistogramKind::combined};

void check_axis(const std::string& where, const std::string& key, const LogAxis& axis) {
  check_range(where, key + ".bins", axis.bins, 1U, kMaxAxisBins);
  check_range(where, key + ".min", axis.min, kMinAxisValue, kMaxAxisValue);
  check_range(where, key + ".max", axis.max, kMinAxisValue, kMaxAxisValue);
  if (!(axis.min < axis.max)) {
    fail("{}: {}: min {} is not below max {}", where, key, axis.min, axis.max);
  }
}

nlohmann::ordered_json axis_json(const LogAxis& axis) {
  return {{"bins", axis.bins}, {"min", number_json(axis.min)}, {"max", number_json(axis.max)}};
}

void read_axis(JsonObject& json, const char* key, LogAxis& axis) {
  const nlohmann::ordered_json* object = json.find(key);
  if (object == nullptr) return;
  JsonObject inner = json.inner(key, *object);
  inner.whole("bins", axis.bins, 65535);
  inner.number("min", axis.min);
  inner.number("max", axis.max);
  inner.finish();
}

PanelAxis panel_axis(const char* title, PanelAxis::Unit unit, const LogAxis& axis, bool mirrored) {
  return {title, PanelAxis::Scale::logarithmic, unit, axis.min, axis.max, mirrored};
}

Panel panel_of(const char* size_title, const LogAxis& size, const char* time_title,
               const LogAxis& time) {
  return {0, 2 * size.bins, time.bins,
          panel_axis(time_title, PanelAxis::Unit::microseconds, time, false),
          panel_axis(size_title, PanelAxis::Unit::bytes, size, true)};
}

class Histogram final : public Feature {
 public:
  Histogram(const HistogramSpec& spec, ValueKind values) : Feature(values), spec_(spec) {}

  const HistogramSpec& spec() const noexcept { return spec_; }
  std::string_view kind() const noexcept override { return to_string(spec_.kind); }
  std::string title() const override {
    if (spec_.slices == 0) {
      return fmt::format("{} of {} packets", to_string(spec_.kind), spec_.window_packets);
    }
    return fmt::format("{} of {:g} s", to_string(spec_.kind),
                       static_cast<double>(spec_.window_us) / double{kUsPerSecond});
  }
  uint32_t length() const noexcept override { return length_of(spec_); }
  WindowExtent extent() const noexcept override {
    return {spec_.window_us, spec_.slices == 0 ? spec_.window_packets : 0};
  }
  bool has_directions() const noexcept override { return false; }

  void check(const std::string& where) const override;
  void write(nlohmann::ordered_json& json) const override;

  std::vector<Panel> panels() const override;

  std::unique_ptr<const LiveFeature> live() const override {
    return spec_.slices == 0 ? live_histogram(spec_, values())
                             : live_sliced_histogram(spec_, values());
  }
  void cut(const RecordedFlow& flow, const TilingOptions& options,
           const TakeWindow& take) const override {
    if (spec_.slices == 0) return cut_histograms(flow, spec_, values(), options, take);
    cut_live(flow, *this, options, take);
  }

 private:
  HistogramSpec spec_;
};

void Histogram::check(const std::string& where) const {
  if (spec_.slices == 0) check_range(where, "window_packets", spec_.window_packets, 1U, 1024U);
  if (spec_.slices != 0) check_range(where, "slices", spec_.slices, 2U, HistogramSpec::kMostSlices);
  if (spec_.window_us != 0 || spec_.slices != 0) check_window(where, spec_.window_us);
  if (spec_.has_size_iat()) {
    check_axis(where, "size", spec_.size);
    check_axis(where, "iat_us", spec_.iat_us);
  }
  if (spec_.has_burst_surge()) {
    check_axis(where, "burst_bytes", spec_.burst_bytes);
    check_axis(where, "surge_us", spec_.surge_us);
    check_range<TimeUs>(where, "surge_gap_us", spec_.surge_gap_us, 1, kMaxWindowUs);
  }
  if (length() > kMaxLength) {
    fail("{}: bins: the histogram has {} cells, allowed are {}", where, length(), kMaxLength);
  }
  if (spec_.slices * length() > kMostSlicedCells) {
    fail("{}: slices: {} of {} cells are {}, allowed are {}", where, spec_.slices, length(),
         spec_.slices * length(), kMostSlicedCells);
  }
  if (values() == ValueKind::binary) {
    fail("{}: values: \"binary\" does not go with {}, allowed are count, fraction, log1p", where,
         kind());
  }
}

void Histogram::write(nlohmann::ordered_json& json) const {
  if (spec_.slices == 0) json["window_packets"] = spec_.window_packets;
  json["window_s"] = seconds_json(spec_.window_us);
  if (spec_.slices != 0) json["slices"] = spec_.slices;
  if (spec_.has_size_iat()) {
    json["size"] = axis_json(spec_.size);
    json["iat_us"] = axis_json(spec_.iat_us);
  }
  if (spec_.has_burst_surge()) {
    json["burst_bytes"] = axis_json(spec_.burst_bytes);
    json["surge_us"] = axis_json(spec_.surge_us);
    json["surge_gap_us"] = spec_.surge_gap_us;
  }
}

std::vector<Panel> Histogram::panels() const {
  const Panel sizes =
      panel_of("down - size (bytes) - up", spec_.size, "inter-arrival time", spec_.iat_us);
  Panel bursts =
      panel_of("down - burst (bytes) - up", spec_.burst_bytes, "surge period", spec_.surge_us);
  if (!spec_.has_burst_surge()) return {sizes};
  if (!spec_.has_size_iat()) return {bursts};
  bursts.first = sizes.rows * sizes.columns;
  return {sizes, bursts};
}

std::shared_ptr<const Feature> read_histogram(const std::string& name, JsonObject& json) {
  HistogramSpec spec;
  for (const HistogramKind kind : kKinds) {
    if (name == to_string(kind)) spec.kind = kind;
  }
  ValueKind values = ValueKind::count;
  json.whole("slices", spec.slices, 65535);
  if (spec.slices == 0) json.whole("window_packets", spec.window_packets, 4294967295.0);
  json.seconds("window_s", spec.window_us);
  if (spec.has_size_iat()) {
    read_axis(json, "size", spec.size);
    read_axis(json, "iat_us", spec.iat_us);
  }
  if (spec.has_burst_surge()) {
    read_axis(json, "burst_bytes", spec.burst_bytes);
    read_axis(json, "surge_us", spec.surge_us);
    json.whole("surge_gap_us", spec.surge_gap_us, 1e15);
  }
  json.values("values", values);
  return std::make_shared<Histogram>(spec, values);
}

}  // namespace

const char* to_string(HistogramKind kind) noexcept {
  switch (kind) {
    case HistogramKind::size_iat:
      return "size_iat";
    case HistogramKind::burst_surge:
      return "burst_surge";
    case HistogramKind::combined:
      return "combined";
  }
  return "?";
}

uint32_t length_of(const HistogramSpec& spec) noexcept {
  uint32_t length = 0;
  if (spec.has_size_iat()) length += 2 * spec.size.bins * spec.iat_us.bins;
  if (spec.has_burst_surge()) length += 2 * spec.burst_bytes.bins * spec.surge_us.bins;
  return length;
}

FeatureSpec histogram(const HistogramSpec& spec, ValueKind values) {
  return FeatureSpec(std::make_shared<Histogram>(spec, values));
}

const HistogramSpec& histogram_of(const FeatureSpec& spec) {
  const auto* histograms = dynamic_cast<const Histogram*>(&spec.feature());
  if (histograms == nullptr) fail("{} is no specification of histograms", spec.to_json());
  return histograms->spec();
}

FeatureKind histogram_kind() {
  return {{to_string(HistogramKind::size_iat), to_string(HistogramKind::burst_surge),
           to_string(HistogramKind::combined)},
          read_histogram,
          {{"p", {"window_packets"}}, {"s", {"window_s"}}, {"slices", {"slices"}}},
          {"size_iat-log1p-256p"}};
}

}  // namespace flowmark
