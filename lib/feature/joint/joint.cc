#include "feature/joint/joint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "feature/feature_json.h"
#include "feature/json_object.h"
#include "feature/live_cut.h"
#include "feature/live_feature.h"
#include "feature/range_check.h"

namespace flowmark {
namespace {

constexpr const char* kJointName = "joint";
constexpr uint64_t kMostParts = 8;
constexpr uint64_t kMostElements = 1U << 24;  // those of the largest picture

/// Small pictures of both directions, coarse histograms, numbers of the flow.
constexpr const char* kDefaultParts = R"([
  {"kind":"flowpic","time_bins":16,"size_bins":16,"values":"log1p"},
  {"kind":"combined","size":{"bins":8,"min":40,"max":1500},"iat_us":{"bins":8,"min":100,"max":1e7},
   "burst_bytes":{"bins":8,"min":40,"max":1e6},"surge_us":{"bins":8,"min":10000,"max":6e7},
   "values":"log1p"},
  {"kind":"flow_numbers"}])";

std::string name_of_part(size_t i) {
  return fmt::format("parts[{}]", i);
}

void shift(Panel& panel, uint64_t by, size_t part) {
  panel.first += static_cast<uint32_t>(by);
  panel.group = static_cast<uint32_t>(part);
}

class Joint final : public Feature {
 public:
  explicit Joint(FeatureParts parts) : Feature(ValueKind::number), parts_(std::move(parts)) {}

  std::string_view kind() const noexcept override { return kJointName; }
  std::string title() const override {
    std::vector<std::string> titles;
    for (const auto& part : parts_) titles.push_back(part->title());
    return fmt::format("{}", fmt::join(titles, " + "));
  }
  uint32_t length() const noexcept override { return static_cast<uint32_t>(elements()); }
  WindowExtent extent() const noexcept override;
  bool is_full(TimeUs age_us, uint32_t packets) const noexcept override;
  bool has_directions() const noexcept override { return false; }
  float largest_value() const noexcept override {
    float most = 0;
    for (const auto& part : parts_) most = std::max(most, part->largest_value());
    return most;
  }

  void check(const std::string& where) const override;
  void write(nlohmann::ordered_json& json) const override {
    json["parts"] = nlohmann::ordered_json::array();
    for (const auto& part : parts_) json["parts"].push_back(feature_json(*part));
  }

  std::unique_ptr<const LiveFeature> live() const override { return live_joint(parts_); }
  void cut(const RecordedFlow& flow, const TilingOptions& options,
           const TakeWindow& take) const override {
    cut_live(flow, *this, options, take);
  }

  std::vector<Panel> panels() const override;

 private:
  uint64_t elements() const noexcept {
    uint64_t sum = 0;
    for (const auto& part : parts_) sum += joint_length(*part);
    return sum;
  }

  FeatureParts parts_;
};

WindowExtent Joint::extent() const noexcept {
  WindowExtent most;
  for (const auto& part : parts_) {
    const WindowExtent extent = part->extent();
    most.time_us = std::max(most.time_us, extent.time_us);
    most.packets = std::max(most.packets, extent.packets);
  }
  return most;
}

bool Joint::is_full(TimeUs age_us, uint32_t packets) const noexcept {
  bool has_limit = false;
  for (const auto& part : parts_) {
    const WindowExtent extent = part->extent();
    if (extent.time_us == 0 && extent.packets == 0) continue;
    if (!part->is_full(age_us, packets)) return false;
    has_limit = true;
  }
  return has_limit;
}

void Joint::check(const std::string& where) const {
  check_range<uint64_t>(where, "number of parts", parts_.size(), 1, kMostParts);
  for (size_t i = 0; i < parts_.size(); ++i) {
    parts_[i]->check(where + ": " + name_of_part(i));
  }
  if (elements() > kMostElements) {
    fail("{}: parts: they have {} elements, allowed are {}", where, elements(), kMostElements);
  }
}

std::vector<Panel> Joint::panels() const {
  std::vector<Panel> all;
  uint64_t first = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const size_t sides = parts_[i]->has_directions() ? 2 : 1;
    for (size_t side = 0; side < sides; ++side) {
      for (Panel panel : parts_[i]->panels()) {
        shift(panel, first, i);
        if (sides == 2) panel.x.title += side == 0 ? ", up" : ", down";
        all.push_back(std::move(panel));
      }
      first += parts_[i]->length();
    }
  }
  return all;
}

FeatureParts read_parts(const std::vector<FeatureKind>& kinds, JsonObject& json) {
  static const auto kDefaults = nlohmann::ordered_json::parse(kDefaultParts);
  const nlohmann::ordered_json* given = json.find("parts");
  const nlohmann::ordered_json& list = given != nullptr ? *given : kDefaults;
  if (!list.is_array()) fail("{}: parts is not a list of objects", json.where());
  FeatureParts parts;
  for (size_t i = 0; i < list.size(); ++i) {
    JsonObject part = json.inner(name_of_part(i).c_str(), list[i]);
    parts.push_back(read_feature(kinds, part));
  }
  return parts;
}

}  // namespace

uint64_t joint_length(const Feature& part) noexcept {
  return uint64_t{part.length()} * (part.has_directions() ? 2 : 1);
}

FeatureSpec joint(FeatureParts parts) {
  return FeatureSpec(std::make_shared<Joint>(std::move(parts)));
}

FeatureKind joint_kind(std::vector<FeatureKind> kinds) {
  return {{kJointName},
          [kinds = std::move(kinds)](const std::string&, JsonObject& json) {
            return std::make_shared<Joint>(read_parts(kinds, json));
          },
          {},
          {kJointName}};
}

}  // namespace flowmark
