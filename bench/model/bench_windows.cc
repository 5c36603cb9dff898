#include "model/bench_windows.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "capture/sequence_file.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "model/write/model_writer.h"
#include "window/offline_windows.h"

namespace flowmark::bench {
namespace {

constexpr size_t kKeptWindows = 20000;
constexpr double kTolerance = 0.15;  // of the wanted number of values

std::vector<SparseWindow> read_windows(const std::vector<std::filesystem::path>& files,
                                       const FeatureSpec& spec) {
  std::vector<SparseWindow> windows;
  for (const auto& file : files) {
    read_flows(file, {}, [&](RecordedFlow&& flow) {
      if (windows.size() >= kKeptWindows) return;
      cut_windows(flow, spec, {}, [&](const OfflineWindow& window) {
        if (!window.features.empty()) windows.push_back(window.features);
      });
    });
  }
  return windows;
}

SparseWindow sorted(const std::map<uint32_t, float>& values) {
  SparseWindow window;
  for (const auto& [index, value] : values) window.push_back({index, value});
  return window;
}

SparseWindow merge(const std::vector<SparseWindow>& windows, uint32_t wanted,
                   std::mt19937& random) {
  std::map<uint32_t, float> values;
  for (size_t tries = 0; values.size() < wanted && tries < 10000; ++tries) {
    for (const SparseValue& value : windows[random() % windows.size()]) {
      if (values.size() < wanted) values[value.index] += value.value;
    }
  }
  return sorted(values);
}

/// Bursts of full-size packets, some of a few other sizes.
SparseWindow synthetic(const FeatureSpec& spec, uint32_t wanted, std::mt19937& random) {
  const uint32_t columns = spec.image() ? spec.image()->width : 30;
  const uint32_t rows = spec.length() / columns;
  std::vector<uint32_t> sizes;
  for (int i = 0; i < 12; ++i) sizes.push_back(static_cast<uint32_t>(random() % rows));
  std::map<uint32_t, float> values;
  for (size_t tries = 0; values.size() < wanted && tries < 100 * size_t{wanted}; ++tries) {
    const auto start = static_cast<uint32_t>(random() % columns);
    const uint32_t size =
        random() % 4 == 0 ? static_cast<uint32_t>(random() % rows) : sizes[random() % sizes.size()];
    for (uint32_t i = 0; i < 1 + random() % 6 && start + i < columns; ++i) {
      if (values.size() < wanted) values[size * columns + start + i] += 1;
    }
  }
  return sorted(values);
}

std::vector<float> normal(size_t count, double scale, std::mt19937& random) {
  std::normal_distribution<double> distribution(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(distribution(random));
  return values;
}

}  // namespace

std::vector<WindowGroup> make_windows(const std::vector<std::filesystem::path>& files,
                                      const FeatureSpec& spec, const std::vector<uint32_t>& wanted,
                                      size_t per_group) {
  std::mt19937 random(1);
  std::vector<SparseWindow> real = read_windows(files, spec);
  std::shuffle(real.begin(), real.end(), random);
  std::vector<WindowGroup> groups;
  for (const uint32_t values : wanted) {
    WindowGroup group{values, "real", {}};
    for (const SparseWindow& window : real) {
      const double off = std::abs(static_cast<double>(window.size()) - values);
      if (off <= kTolerance * values && group.windows.size() < per_group) {
        group.windows.push_back(window);
      }
    }
    if (group.windows.size() < per_group / 4) {
      group.origin = real.empty() ? "synthetic" : "merged";
      group.windows.clear();
      while (group.windows.size() < per_group) {
        group.windows.push_back(real.empty() ? synthetic(spec, values, random)
                                             : merge(real, values, random));
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

NetworkPlan paper_plan(uint32_t side) {
  std::mt19937 random(2);
  NetworkPlan plan;
  uint32_t size = side, channels = 1;
  for (const uint32_t filters : {10u, 20u}) {
    ConvLayer layer;
    layer.in_channels = channels;
    layer.in_h = layer.in_w = size;
    layer.filters = filters;
    layer.kernel_h = layer.kernel_w = 10;
    layer.stride_h = layer.stride_w = 5;
    const uint32_t same = ((size + 4) / 5 - 1) * 5 + 10 - size;
    layer.pad_top = layer.pad_left = same / 2;
    layer.pad_bottom = layer.pad_right = same - same / 2;
    layer.relu = true;
    layer.pool.kernel_h = layer.pool.kernel_w = layer.pool.stride_h = layer.pool.stride_w = 2;
    derive_output_shape(layer);
    const size_t inputs = size_t{channels} * 100;
    layer.weights = normal(inputs * filters, std::sqrt(2.0 / static_cast<double>(inputs)), random);
    layer.bias = normal(filters, 0.1, random);
    channels = filters;
    size = layer.pool.out_h;
    plan.convs.push_back(std::move(layer));
  }
  uint32_t inputs = size * size * channels;
  for (const uint32_t outputs : {64u, 5u}) {
    plan.dense.push_back(
        {inputs, outputs, normal(size_t{inputs} * outputs, 1 / std::sqrt(inputs), random),
         normal(outputs, 0.1, random), outputs == 64 ? Activation::relu : Activation::none});
    inputs = outputs;
  }
  plan.inputs = side * side;
  return plan;
}

void write_paper_model(const std::filesystem::path& path, uint32_t side) {
  ModelDescription description;
  description.task = "bench";
  description.classes = {"a", "b", "c", "d", "e"};
  description.input = flowpic({60 * kUsPerSecond, side, side, 1500});
  write_network_model(path, description, paper_plan(side));
}

void write_random_forest(const std::filesystem::path& path, uint32_t trees, uint32_t depth) {
  std::mt19937 random(3);
  ModelDescription description;
  description.task = "bench";
  description.classes = {"a", "b", "c", "d", "e"};
  description.input = histogram({.kind = HistogramKind::size_iat});
  ForestPlan plan;
  plan.inputs = description.input.length();
  plan.scores = 5;
  for (uint32_t t = 0; t < trees; ++t) {
    plan.roots.push_back(static_cast<uint32_t>(plan.nodes.size()));
    std::vector<std::pair<uint32_t, uint32_t>> open{{plan.roots.back(), 0}};
    plan.nodes.emplace_back();
    while (!open.empty()) {
      const auto [at, level] = open.back();
      open.pop_back();
      // A third of the nodes below the upper levels are leaves: a few thousand nodes a tree.
      if (level == depth || (level > 4 && random() % 3 == 0)) {
        plan.nodes[at].yes = static_cast<uint32_t>(plan.leaves.size() / plan.scores);
        const auto best = random() % plan.scores;
        for (uint32_t s = 0; s < plan.scores; ++s) {
          plan.leaves.push_back((s == best ? 0.8F : 0.05F) / static_cast<float>(trees));
        }
        continue;
      }
      const auto yes = static_cast<uint32_t>(plan.nodes.size());
      plan.nodes[at] = {static_cast<uint32_t>(random() % plan.inputs),
                        static_cast<float>(random() % 3) + 0.5F, yes, yes + 1};
      plan.nodes.resize(plan.nodes.size() + 2);
      open.emplace_back(yes, level + 1);
      open.emplace_back(yes + 1, level + 1);
    }
  }
  plan.output.transform = OutputRule::Transform::none;
  write_forest_model(path, description, plan);
}

}  // namespace flowmark::bench
