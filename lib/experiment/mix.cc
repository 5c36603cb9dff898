#include "experiment/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/keyed_random.h"
#include "data/label_sets.h"
#include "experiment/deal.h"

namespace flowmark {
namespace {

constexpr size_t kWindowsPerMixture = 4;

bool is_of(const Recording& recording, const std::string& technique) {
  return recording.technique == technique && recording.background_pps == 0;
}

/// Which side of the split each recording of a technique is on, by category.
std::vector<DealtPart> deal_recordings(const std::vector<Recording>& recordings,
                                       const std::string& technique,
                                       const ExperimentOptions& options, uint64_t seed) {
  // Windows of the same recording on both sides would be the same packets under other noise.
  const std::string split = options.split == "window" ? "flow" : options.split;
  const std::vector<uint32_t> groups = group_recordings(recordings, split);
  std::map<uint32_t, uint32_t> dense;
  std::map<std::string, uint32_t> numbers;
  std::vector<uint32_t> strata;
  std::vector<std::string> laid_down;
  for (uint32_t i = 0; i < recordings.size(); ++i) {
    if (!is_of(recordings[i], technique)) continue;
    if (dense.emplace(groups[i], static_cast<uint32_t>(dense.size())).second) {
      const auto number = static_cast<uint32_t>(numbers.size());
      strata.push_back(numbers.emplace(recordings[i].category, number).first->second);
      laid_down.push_back(recordings[i].split);
    }
  }
  const std::vector<DealtPart> parts = deal_groups(strata, laid_down, options, seed);
  std::vector<DealtPart> of(recordings.size(), DealtPart::none);
  for (uint32_t i = 0; i < recordings.size(); ++i) {
    if (is_of(recordings[i], technique)) of[i] = parts[dense.at(groups[i])];
  }
  return of;
}

/// Cuts an overlay and says what is in each window.
void cut_overlay(const Overlay& overlay, const std::vector<uint32_t>& labels,
                 const FeatureSpec& spec, uint32_t group,
                 std::vector<MixedWindows::Window>& windows) {
  const uint32_t packets = spec.window_packets();
  cut_windows(overlay.flow, spec, {}, [&](const OfflineWindow& window) {
    std::vector<uint32_t> counts(labels.size(), 0);
    for (size_t i = size_t{window.number} * packets; i < (size_t{window.number} + 1) * packets;
         ++i) {
      ++counts[overlay.from[i]];
    }
    uint64_t set = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (counts[i] >= kLeastMixedPackets) set |= uint64_t{1} << labels[i];
    }
    windows.push_back({window.features, set, group});
  });
}

using ByLabel = std::vector<std::vector<const RecordedFlow*>>;

/// One mixture: how many kinds, which, and from which recordings is drawn at random.
void mix_one(const ByLabel& flows, const FeatureSpec& spec, uint32_t group,
             const KeyedRandom& random, std::vector<MixedWindows::Window>& windows) {
  std::vector<uint32_t> labels(flows.size());
  std::iota(labels.begin(), labels.end(), 0U);
  for (size_t i = labels.size(); i > 1; --i) {
    std::swap(labels[i - 1], labels[random.bits(i) % i]);
  }
  labels.resize(std::min<size_t>(labels.size(), 1 + random.bits(1000) % 3));
  std::vector<const RecordedFlow*> chosen;
  for (const uint32_t label : labels) {
    const auto& of = flows[label];
    chosen.push_back(of[random.bits(2000 + label) % of.size()]);
  }
  const Overlay overlay = overlay_flows(chosen, kWindowsPerMixture * size_t{spec.window_packets()});
  cut_overlay(overlay, labels, spec, group, windows);
}

/// The data's own mixtures, with their single recordings beside them.
void take_own(const ExperimentCell& cell, const ExperimentData& data,
              const ExperimentOptions& options, const std::vector<DealtPart>& parts,
              MixedWindows& mixed) {
  for (uint32_t i = 0; i < data.recordings.size(); ++i) {
    const Recording& recording = data.recordings[i];
    if (parts[i] == DealtPart::none) continue;
    const uint64_t set = label_set(recording.category, mixed.labels, recording.flow.name);
    auto& to = parts[i] == DealtPart::test ? mixed.test : mixed.train;
    TilingOptions tiling;
    tiling.min_packets = options.rules.min_packets;
    cut_windows(recording.flow, cell.spec, tiling, [&](const OfflineWindow& window) {
      to.push_back({window.features, set, i});
    });
  }
}

/// All kinds on a technique, those too that occur in mixtures alone.
std::vector<std::string> labels_of(const ExperimentData& data, const std::string& technique) {
  std::set<std::string> labels;
  for (const Recording& recording : data.recordings) {
    if (!is_of(recording, technique)) continue;
    const std::string& category = recording.category;
    for (size_t from = 0; from <= category.size();) {
      const size_t to = std::min(category.find('+', from), category.size());
      labels.insert(category.substr(from, to - from));
      from = to + 1;
    }
  }
  labels.erase("");
  return {labels.begin(), labels.end()};
}

std::string what_lacks(const MixedWindows& mixed) {
  for (const auto& [windows, name] :
       {std::pair{&mixed.train, "training"}, std::pair{&mixed.test, "test"}}) {
    uint64_t any = 0;
    uint64_t every = ~uint64_t{0};
    for (const auto& window : *windows) {
      any |= window.set;
      every &= window.set;
    }
    for (size_t c = 0; c < mixed.labels.size(); ++c) {
      if ((any >> c & 1) == 0 || (windows == &mixed.train && (every >> c & 1) != 0)) {
        return fmt::format("{} is in {} of the {} windows", mixed.labels[c],
                           (any >> c & 1) == 0 ? "none" : "all", name);
      }
    }
  }
  return "";
}

}  // namespace

Overlay overlay_flows(const std::vector<const RecordedFlow*>& flows, size_t most) {
  struct Tagged {
    FlowPacket packet;
    uint8_t from;
  };
  std::vector<Tagged> all;
  for (size_t f = 0; f < flows.size(); ++f) {
    const auto& packets = flows[f]->packets;
    for (size_t i = 0; i < std::min(packets.size(), most); ++i) {
      FlowPacket packet = packets[i];
      packet.time_us -= packets.front().time_us;
      all.push_back({packet, static_cast<uint8_t>(f)});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Tagged& a, const Tagged& b) {
    return a.packet.time_us < b.packet.time_us;
  });
  all.resize(std::min(all.size(), most));
  Overlay overlay;
  overlay.flow.name = "mixture";
  for (const Tagged& tagged : all) {
    overlay.flow.packets.push_back(tagged.packet);
    overlay.from.push_back(tagged.from);
  }
  return overlay;
}

MixedWindows mix_windows(const ExperimentCell& cell, const ExperimentData& data,
                         const ExperimentOptions& options, uint64_t seed) {
  MixedWindows mixed;
  mixed.labels = labels_of(data, cell.train_on);
  if (mixed.labels.size() < 2) {
    mixed.lacks = mixed.labels.empty() ? "no recording on " + cell.train_on
                                       : "'" + mixed.labels.front() + "' is the only class";
    return mixed;
  }
  const auto parts = deal_recordings(data.recordings, cell.train_on, options, seed);
  ByLabel train(mixed.labels.size());
  ByLabel test(mixed.labels.size());
  for (uint32_t i = 0; i < data.recordings.size(); ++i) {
    const Recording& recording = data.recordings[i];
    if (parts[i] == DealtPart::none) continue;
    if (recording.category.find('+') != std::string::npos) {
      mixed.own = true;
      continue;
    }
    const auto label = static_cast<size_t>(
        std::find(mixed.labels.begin(), mixed.labels.end(), recording.category) -
        mixed.labels.begin());
    (parts[i] == DealtPart::test ? test : train)[label].push_back(&recording.flow);
  }
  if (mixed.own) {
    take_own(cell, data, options, parts, mixed);
    mixed.lacks = what_lacks(mixed);
    return mixed;
  }
  for (size_t c = 0; c < mixed.labels.size(); ++c) {
    if (train[c].empty() || test[c].empty()) {
      mixed.lacks = fmt::format("no recording of {} is left {} (split by {})", mixed.labels[c],
                                train[c].empty() ? "to train on" : "to test on", options.split);
      return mixed;
    }
  }
  const KeyedRandom random(seed);
  for (uint32_t i = 0; i < options.mixtures; ++i) {
    mix_one(train, cell.spec, i, random.sub(i), mixed.train);
  }
  for (uint32_t i = 0; i < options.mixtures / 2; ++i) {
    mix_one(test, cell.spec, i, random.sub(1'000'000 + i), mixed.test);
  }
  mixed.lacks = what_lacks(mixed);
  return mixed;
}

}  // namespace flowmark
