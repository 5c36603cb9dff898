#include "learn/bench_windows.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <map>
#include <random>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "feature/histogram/histogram.h"

namespace flowmark {
namespace {

FeatureSpec bench_spec() {
  return histogram({.kind = HistogramKind::combined});
}

}  // namespace

/// Sparse counts: every class has some kinds of flow, each with its usual cells, besides cells that
/// all use.
BenchData made_up_bench_windows(uint32_t count) {
  constexpr uint32_t kClasses = 6;
  constexpr uint32_t kKinds = 8;
  constexpr uint32_t kOwnCells = 40;
  BenchData data;
  data.examples.feature_count = bench_spec().length();
  data.examples.flows.resize(1);
  std::mt19937_64 dice(1);
  std::vector<std::vector<uint32_t>> cells(kClasses * kKinds + 1);
  for (auto& own : cells) {
    for (uint32_t i = 0; i < kOwnCells; ++i) {
      own.push_back(static_cast<uint32_t>(dice() % data.examples.feature_count));
    }
  }
  for (uint32_t c = 0; c < kClasses; ++c) {
    data.examples.classes.push_back(fmt::format("class {}", c));
  }
  for (uint32_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint32_t>(dice() % kClasses);
    const auto& own = cells[label * kKinds + dice() % kKinds];
    const uint64_t packets = 10 + dice() % 500;
    std::map<uint32_t, float> window;
    for (uint64_t p = 0; p < packets; ++p) {
      const uint64_t way = dice() % 100;
      const auto& from = way < 12 ? own : cells.back();
      // Some cells are used far more often than others; a few packets land anywhere.
      const double place = std::pow(static_cast<double>(dice() % 10000) / 10000, 3);
      const uint32_t cell = way >= 90 ? static_cast<uint32_t>(dice() % data.examples.feature_count)
                                      : from[static_cast<size_t>(place * kOwnCells)];
      window[cell] += 1;
    }
    SparseWindow sparse;
    for (const auto& [cell, times] : window) {
      sparse.push_back({cell, times});
    }
    ExampleInfo info;
    info.class_index = label;
    data.examples.add(info, sparse);
    (i % 3 == 2 ? data.test : data.train).push_back(i);
  }
  return data;
}

BenchData bench_windows_of(const std::string& path) {
  BenchData data;
  const FeatureSpec spec = bench_spec();
  data.examples.feature_count = spec.length();
  data.examples.flows.resize(1);
  std::map<std::string, uint32_t> numbers;
  uint32_t flows = 0;
  read_sequence_file(path, [&](RecordedFlow&& flow) {
    const auto [place, fresh] =
        numbers.emplace(flow.label, static_cast<uint32_t>(data.examples.classes.size()));
    if (fresh) {
      data.examples.classes.push_back(flow.label);
    }
    ExampleInfo info;
    info.class_index = place->second;
    for (const uint32_t packets : {10U, 30U, 100U, 300U, 1024U}) {
      TilingOptions tiling;
      tiling.prefix_packets = packets;
      cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
        (flows % 3 == 2 ? data.test : data.train)
            .push_back(static_cast<uint32_t>(data.examples.size()));
        data.examples.add(info, window.features);
      });
    }
    ++flows;
  });
  return data;
}

void dump_bench_windows(const BenchData& data, const std::string& path) {
  std::vector<uint32_t> is_test(data.examples.size(), 0);
  for (const uint32_t row : data.test) {
    is_test[row] = 1;
  }
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](uint32_t number) {
    file.write(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  put(static_cast<uint32_t>(data.examples.size()));
  put(data.examples.feature_count);
  for (uint32_t row = 0; row < data.examples.size(); ++row) {
    const auto values = data.examples.row(row);
    put(data.examples.info(row).class_index);
    put(is_test[row]);
    put(static_cast<uint32_t>(values.size()));
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size_bytes()));
  }
  if (!file.flush()) {
    fail("{}: cannot be written", path);
  }
}

}  // namespace flowmark
