#include "feature/flowpic/flowpic.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "feature/json_object.h"
#include "feature/live_feature.h"
#include "feature/range_check.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxPictureBins = 4096;  // the longest picture has 16'777'216 elements
constexpr const char* kName = "flowpic";

class Flowpic final : public Feature {
 public:
  Flowpic(const PictureSpec& spec, ValueKind values) : Feature(values), spec_(spec) {}

  const PictureSpec& spec() const noexcept { return spec_; }
  std::string_view kind() const noexcept override { return kName; }
  std::string title() const override {
    return fmt::format("FlowPic {} x {}, {:g} s", spec_.time_bins, spec_.size_bins,
                       static_cast<double>(spec_.window_us) / static_cast<double>(kUsPerSecond));
  }
  uint32_t length() const noexcept override { return spec_.size_bins * spec_.time_bins; }
  std::optional<ImageShape> image() const noexcept override {
    return ImageShape{spec_.size_bins, spec_.time_bins};
  }
  WindowExtent extent() const noexcept override { return {spec_.window_us, 0}; }
  bool has_directions() const noexcept override { return true; }

  void check(const std::string& where) const override {
    check_window(where, spec_.window_us);
    check_range(where, "time_bins", spec_.time_bins, 1U, kMaxPictureBins);
    check_range(where, "size_bins", spec_.size_bins, 1U, kMaxPictureBins);
    check_range(where, "max_size", spec_.max_size, 1U, 65535U);
    if (values() == ValueKind::fraction) {
      fail("{}: values: \"fraction\" does not go with {}, allowed are count, binary, log1p", where,
           kName);
    }
  }
  void write(nlohmann::ordered_json& json) const override {
    json["window_s"] = seconds_json(spec_.window_us);
    json["time_bins"] = spec_.time_bins;
    json["size_bins"] = spec_.size_bins;
    json["max_size"] = spec_.max_size;
  }

  std::unique_ptr<const LiveFeature> live() const override {
    return live_pictures(spec_, values());
  }
  void cut(const RecordedFlow& flow, const TilingOptions& options,
           const TakeWindow& take) const override {
    for (const Direction direction : {Direction::up, Direction::down}) {
      cut_pictures(flow, direction, spec_, values(), options, take);
    }
  }

  std::vector<Panel> panels() const override {
    const double seconds = static_cast<double>(spec_.window_us) / static_cast<double>(kUsPerSecond);
    const PanelAxis time{
        "arrival time (s)", PanelAxis::Scale::linear, PanelAxis::Unit::seconds, 0, seconds, false};
    const PanelAxis size{"IP packet size (bytes)",
                         PanelAxis::Scale::linear,
                         PanelAxis::Unit::bytes,
                         0,
                         static_cast<double>(spec_.max_size),
                         false};
    return {{0, spec_.size_bins, spec_.time_bins, time, size}};
  }

 private:
  PictureSpec spec_;
};

std::shared_ptr<const Feature> read_flowpic(const std::string& /*name*/, JsonObject& json) {
  PictureSpec spec;
  ValueKind values = ValueKind::count;
  json.seconds("window_s", spec.window_us);
  json.whole("time_bins", spec.time_bins, 65535);
  json.whole("size_bins", spec.size_bins, 65535);
  json.whole("max_size", spec.max_size, 4294967295.0);
  json.values("values", values);
  return std::make_shared<Flowpic>(spec, values);
}

}  // namespace

FeatureSpec flowpic(const PictureSpec& spec, ValueKind values) {
  return FeatureSpec(std::make_shared<Flowpic>(spec, values));
}

const PictureSpec& picture_of(const FeatureSpec& spec) {
  const auto* pictures = dynamic_cast<const Flowpic*>(&spec.feature());
  if (pictures == nullptr) fail("{} is no specification of pictures", spec.to_json());
  return pictures->spec();
}

FeatureKind flowpic_kind() {
  return {{kName},
          read_flowpic,
          {{"", {"time_bins", "size_bins"}}, {"s", {"window_s"}}},
          {"flowpic-32", "flowpic-1500-15s", "flowpic-64-binary"}};
}

}  // namespace flowmark
