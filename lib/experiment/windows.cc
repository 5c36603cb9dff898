// From recordings to windows: cutting, and background traffic laid over them.

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/keyed_random.h"
#include "experiment/data.h"

namespace flowmark {
namespace {

constexpr size_t kPalettePerCategory = 20'000;

double seconds_of(TimeUs us) {
  return static_cast<double>(us) / static_cast<double>(kUsPerSecond);
}

void cut_one(const RecordedFlow& flow, uint32_t index, const FeatureSpec& spec,
             const WindowRules& rules, std::vector<RecordedWindow>& windows) {
  TilingOptions tiling;
  tiling.min_packets = rules.min_packets;
  uint32_t hops = 1;  // from one block to the next
  if (spec.is_by_time() && rules.slide_us > 0 && !rules.first_only) {
    tiling.hop_us = rules.slide_us;
    hops = static_cast<uint32_t>(spec.window_us() / rules.slide_us);
  }
  const auto take = [&](const OfflineWindow& window) {
    if (rules.first_only && window.number > 0) {
      return;
    }
    if (spec.is_by_time() && static_cast<double>(window.span_us) <
                                 rules.min_span * static_cast<double>(spec.window_us())) {
      return;
    }
    windows.push_back({index, window.number, window.side, window.packets, window.number % hops != 0,
                       0, window.features});
  };
  cut_windows(flow, spec, tiling, take);
  if (windows.empty() && !spec.is_by_time() && rules.short_flows) {
    tiling.prefix_packets = spec.window_packets();
    cut_windows(flow, spec, tiling, take);
  }
}

}  // namespace

std::vector<FlowPacket> background_palette(const std::vector<Recording>& recordings,
                                           uint64_t seed) {
  std::map<std::string, std::vector<const Recording*>> by_category;
  for (const Recording& recording : recordings) {
    if (!recording.flow.packets.empty()) {
      by_category[recording.category].push_back(&recording);
    }
  }
  std::vector<FlowPacket> palette;
  const KeyedRandom random(seed);
  uint64_t draw = 0;
  for (const auto& [category, members] : by_category) {
    for (size_t i = 0; i < kPalettePerCategory; ++i) {
      const auto& packets = members[random.bits(draw++) % members.size()]->flow.packets;
      palette.push_back(packets[random.bits(draw++) % packets.size()]);
    }
  }
  return palette;
}

RecordedFlow add_background(const RecordedFlow& flow, double packets_per_second,
                            const std::vector<FlowPacket>& palette, uint64_t seed) {
  RecordedFlow mixed = flow;
  if (flow.packets.empty() || palette.empty() || !(packets_per_second > 0)) {
    return mixed;
  }
  const KeyedRandom random(seed);
  const double mean_us = static_cast<double>(kUsPerSecond) / packets_per_second;
  const auto end = static_cast<double>(flow.packets.back().time_us - flow.packets.front().time_us);
  double at = 0;
  for (uint64_t i = 0;; ++i) {
    at -= mean_us * std::log1p(-random.sub(0).uniform(i));
    if (at > end) {
      break;
    }
    FlowPacket packet = palette[random.sub(1).bits(i) % palette.size()];
    packet.time_us = flow.packets.front().time_us + static_cast<TimeUs>(at);
    mixed.packets.push_back(packet);
  }
  std::stable_sort(mixed.packets.begin(), mixed.packets.end(),
                   [](const FlowPacket& a, const FlowPacket& b) { return a.time_us < b.time_us; });
  return mixed;
}

std::vector<RecordedWindow> cut_recordings(const std::vector<Recording>& recordings,
                                           const FeatureSpec& spec, const WindowRules& rules,
                                           double background_pps, uint64_t seed) {
  if (spec.is_by_time() && rules.slide_us > 0 && spec.window_us() % rules.slide_us != 0) {
    fail("pictures that begin every {:g} s: that must divide the block of {:g} s",
         seconds_of(rules.slide_us), seconds_of(spec.window_us()));
  }
  std::vector<FlowPacket> palette;
  if (background_pps > 0) {
    palette = background_palette(recordings, seed);
  }
  std::vector<std::vector<RecordedWindow>> cut(recordings.size());
  tbb::parallel_for(size_t{0}, recordings.size(), [&](size_t i) {
    const auto index = static_cast<uint32_t>(i);
    const RecordedFlow& flow = recordings[i].flow;
    if (background_pps > 0) {
      cut_one(add_background(flow, background_pps, palette, mix64(seed + i)), index, spec, rules,
              cut[i]);
    } else {
      cut_one(flow, index, spec, rules, cut[i]);
    }
  });
  std::vector<RecordedWindow> all;
  for (auto& windows : cut) {
    std::move(windows.begin(), windows.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace flowmark
