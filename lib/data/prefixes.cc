#include "data/prefixes.h"

#include <algorithm>
#include <cmath>

namespace flowmark {
namespace {

constexpr uint32_t kLearnedPackets[] = {10, 16, 32, 64, 128, 256, 512, 1024};
constexpr double kLearnedSeconds[] = {1, 2, 5, 10, 15, 30, 60, 120};
constexpr uint32_t kJudgedPackets[] = {10, 16, 32, 64, 128, 256, 512};
constexpr double kJudgedSeconds[] = {0.5, 1, 2, 5, 10, 15, 30, 60};

FlowPrefix prefix_of_seconds(double seconds) {
  return {0, std::llround(seconds * static_cast<double>(kUsPerSecond))};
}

/// Whether so long a beginning is shorter than a window; where nothing limits it, every one is.
bool is_shorter(TimeUs us, const FeatureSpec& spec) {
  return spec.window_us() == 0 || us < spec.window_us();
}
bool is_shorter(uint32_t packets, const FeatureSpec& spec) {
  return spec.window_packets() == 0 || packets < spec.window_packets();
}

}  // namespace

void sort_prefixes(std::vector<FlowPrefix>& prefixes) {
  std::sort(prefixes.begin(), prefixes.end(), [](const FlowPrefix& a, const FlowPrefix& b) {
    return a.packets != b.packets ? a.packets < b.packets : a.us < b.us;
  });
}

std::vector<FlowPrefix> training_prefixes(const FeatureSpec& spec) {
  std::vector<FlowPrefix> prefixes;
  if (spec.is_by_time() && spec.window_us() > 0) {
    for (const double seconds : kLearnedSeconds) {
      const FlowPrefix prefix = prefix_of_seconds(seconds);
      if (is_shorter(prefix.us, spec)) prefixes.push_back(prefix);
    }
  } else {
    for (const uint32_t packets : kLearnedPackets) {
      if (is_shorter(packets, spec)) prefixes.push_back({packets, 0});
    }
  }
  return prefixes;
}

std::vector<FlowPrefix> evaluation_prefixes(std::span<const FeatureSpec> inputs) {
  std::vector<FlowPrefix> prefixes;
  for (const double seconds : kJudgedSeconds) {
    const FlowPrefix prefix = prefix_of_seconds(seconds);
    if (std::ranges::all_of(inputs, [&](const FeatureSpec& spec) {
          return !spec.is_by_time() || is_shorter(prefix.us, spec);
        })) {
      prefixes.push_back(prefix);
    }
  }
  for (const uint32_t packets : kJudgedPackets) {
    if (std::ranges::all_of(inputs, [&](const FeatureSpec& spec) {
          return spec.is_by_time() || is_shorter(packets, spec);
        })) {
      prefixes.push_back({packets, 0});
    }
  }
  return prefixes;
}

}  // namespace flowmark
