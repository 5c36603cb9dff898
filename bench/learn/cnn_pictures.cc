#include "learn/cnn_pictures.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/keyed_random.h"
#include "capture/sequence_file.h"
#include "feature/flowpic/flowpic.h"

namespace flowmark {
namespace {

constexpr uint32_t kSyntheticClasses = 5;

/// A flow of bursts with a size and a rate that go with its class.
RecordedFlow synthetic_flow(uint32_t class_index, const KeyedRandom& random) {
  RecordedFlow flow;
  flow.label = "class " + std::to_string(class_index);
  uint64_t next = 0;
  TimeUs now = 0;
  const auto packets = static_cast<uint32_t>(100 + random.uniform(next++) * 2000);
  const double gap_us = 15e6 / packets;
  while (flow.packets.size() < packets) {
    now += static_cast<TimeUs>(-std::log(1 - random.uniform(next++)) * gap_us);
    const bool large = random.uniform(next++) < 0.15 * (class_index + 1);
    const double spread = random.uniform(next++);
    const double size = large ? 1300 + 150 * spread : 40 + 200 * (class_index + 1) * spread;
    flow.packets.push_back({now, static_cast<uint16_t>(size), Direction::up, false});
  }
  return flow;
}

std::map<std::string, std::vector<RecordedFlow>> flows_by_class(const PictureChoice& choice) {
  std::map<std::string, std::vector<RecordedFlow>> out;
  if (choice.data.empty()) {
    for (uint32_t i = 0; i < choice.per_class * kSyntheticClasses; ++i) {
      RecordedFlow flow = synthetic_flow(i % kSyntheticClasses, KeyedRandom(i));
      out[flow.label].push_back(std::move(flow));
    }
    return out;
  }
  const auto end_us = static_cast<TimeUs>(choice.seconds * 1e6);
  read_sequence_file(choice.data, [&](RecordedFlow&& flow) {
    while (flow.packets.back().time_us - flow.packets.front().time_us >= end_us) {
      flow.packets.pop_back();
    }
    for (FlowPacket& packet : flow.packets) {
      packet.direction = Direction::up;
    }
    flow.packets.shrink_to_fit();
    out[flow.label].push_back(std::move(flow));
  });
  return out;
}

}  // namespace

ExampleSet bench_pictures(const PictureChoice& choice) {
  const FeatureSpec spec =
      flowpic({static_cast<TimeUs>(choice.seconds * 1e6), choice.bins, choice.bins, 1500});
  ExampleSet out;
  out.feature_count = spec.length();
  out.flows.resize(1);
  for (auto& [name, flows] : flows_by_class(choice)) {
    if (flows.size() < choice.per_class) {
      fail("class {} has {} flows, {} are wanted", name, flows.size(), choice.per_class);
    }
    const KeyedRandom random(out.classes.size());
    for (size_t i = 0; i < choice.per_class; ++i) {
      std::swap(flows[i], flows[i + random.bits(i) % (flows.size() - i)]);
      ExampleInfo info;
      info.class_index = static_cast<uint32_t>(out.classes.size());
      bool first = true;
      cut_windows(flows[i], spec, {}, [&](const OfflineWindow& window) {
        if (first) {
          info.packets = window.packets;
          out.add(info, window.features);
        }
        first = false;
      });
    }
    out.classes.push_back(name);
  }
  return out;
}

void dump_pictures(const ExampleSet& examples, uint32_t bins, const std::filesystem::path& path) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  const auto put = [&](auto number) {
    static_assert(sizeof number == 4);
    stream.write(reinterpret_cast<const char*>(&number), 4);
  };
  put(static_cast<uint32_t>(examples.size()));
  put(bins);
  put(bins);
  put(static_cast<uint32_t>(examples.classes.size()));
  for (size_t row = 0; row < examples.size(); ++row) {
    put(examples.info(row).class_index);
    put(static_cast<uint32_t>(examples.row(row).size()));
    for (const SparseValue& pixel : examples.row(row)) {
      put(pixel.index);
      put(pixel.value);
    }
  }
  stream.close();
  if (!stream) {
    fail("{}: cannot be written", path.string());
  }
}

}  // namespace flowmark
