#include "feature/numbers/flow_numbers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "feature/json_object.h"
#include "feature/live_cut.h"
#include "feature/live_feature.h"
#include "feature/numbers/numbers_reader.h"
#include "feature/range_check.h"

namespace flowmark {
namespace {

constexpr const char* kNumbersName = "flow_numbers";

class FlowNumbers final : public Feature {
 public:
  explicit FlowNumbers(const FlowNumbersSpec& spec) : Feature(ValueKind::number), spec_(spec) {}

  std::string_view kind() const noexcept override { return kNumbersName; }
  std::string title() const override {
    const std::string since =
        spec_.window_us == 0
            ? "since its beginning"
            : fmt::format("of {:g} s", static_cast<double>(spec_.window_us) / double{kUsPerSecond});
    return fmt::format("{} numbers of the flow {}", length(), since);
  }
  uint32_t length() const noexcept override { return kFirstSizes + 2 * spec_.first; }
  WindowExtent extent() const noexcept override { return {spec_.window_us, 0}; }
  bool has_directions() const noexcept override { return false; }

  void check(const std::string& where) const override {
    if (spec_.window_us != 0) check_window(where, spec_.window_us);
    check_range(where, "first", spec_.first, 0U, FlowNumbersSpec::kMostFirst);
  }
  void write(nlohmann::ordered_json& json) const override {
    json["window_s"] = seconds_json(spec_.window_us);
    json["first"] = spec_.first;
  }

  std::unique_ptr<const LiveFeature> live() const override { return live_numbers(spec_); }
  void cut(const RecordedFlow& flow, const TilingOptions& options,
           const TakeWindow& take) const override {
    cut_live(flow, *this, options, take);
  }

  std::vector<Panel> panels() const override {
    const auto axis = [](const char* title, double max) {
      return PanelAxis{title, PanelAxis::Scale::linear, PanelAxis::Unit::elements, 0, max, false};
    };
    return {{0, 1, length(), axis("number", length()), axis("", 1)}};
  }

 private:
  FlowNumbersSpec spec_;
};

std::shared_ptr<const Feature> read_numbers(const std::string& /*name*/, JsonObject& json) {
  FlowNumbersSpec spec;
  json.seconds("window_s", spec.window_us);
  json.whole("first", spec.first, 65535);
  return std::make_shared<FlowNumbers>(spec);
}

}  // namespace

FeatureSpec flow_numbers(const FlowNumbersSpec& spec) {
  return FeatureSpec(std::make_shared<FlowNumbers>(spec));
}

FeatureKind flow_numbers_kind() {
  return {{kNumbersName},
          read_numbers,
          {{"s", {"window_s"}}, {"first", {"first"}}},
          {"flow_numbers", "flow_numbers-60s-0first"}};
}

}  // namespace flowmark
