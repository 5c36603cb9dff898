// How long a forest takes to train, and how accurate it is on examples set aside. forest_compare.py
// runs it beside scikit-learn.
//
//   forest_bench [--data FILE] [--examples 20000] [--trees 100] [--threads 0] [--extra 0]
//                [--dump FILE] [--json]
//
// FILE is a packet sequence file: the windows are the first 10, 30, 100, 300 and 1024 packets of
// every flow, every third flow is set aside. Without it, windows of made-up flows.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <random>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "train/forest_trainer.h"

namespace flowmark {
namespace {

struct BenchData {
  ExampleSet examples;
  std::vector<uint32_t> train;
  std::vector<uint32_t> test;
};

FeatureSpec bench_spec() {
  FeatureSpec spec;
  spec.kind = FeatureKind::combined;
  return spec;
}

/// Sparse counts: every class has some kinds of flow, each with its usual cells, besides cells that
/// all use.
BenchData made_up(uint32_t count) {
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

BenchData of_flows(const std::string& path) {
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

/// For forest_compare.py: counts, then per example its class, whether it is for the test, the
/// number of values, and those as pairs of index and float; all 32 bit.
void dump(const BenchData& data, const std::string& path) {
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

double accuracy(const Forest& forest, const BenchData& data) {
  std::vector<float> dense(data.examples.feature_count, 0);
  std::vector<double> answer(forest.class_count);
  uint32_t right = 0;
  for (const uint32_t row : data.test) {
    forest.predict(data.examples.row(row), dense, answer);
    const auto top = std::max_element(answer.begin(), answer.end()) - answer.begin();
    right += top == data.examples.info(row).class_index ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(data.test.size());
}

std::map<std::string, std::string> read_arguments(int argc, char** argv) {
  std::map<std::string, std::string> out{
      {"--data", ""},   {"--examples", "20000"}, {"--dump", ""}, {"--trees", "100"},
      {"--extra", "0"}, {"--threads", "0"},      {"--json", ""}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (out.count(name) == 0 || (name != "--json" && i + 1 == argc)) {
      fail("{}: not an option of forest_bench, or its value is missing", name);
    }
    out[name] = name == "--json" ? "yes" : argv[++i];
  }
  return out;
}

void run(std::map<std::string, std::string> arguments) {
  const auto number = [&](const char* name) {
    return static_cast<uint32_t>(std::strtoul(arguments.at(name).c_str(), nullptr, 10));
  };
  const BenchData data =
      arguments["--data"].empty() ? made_up(number("--examples")) : of_flows(arguments["--data"]);
  if (!arguments["--dump"].empty()) {
    dump(data, arguments["--dump"]);
  }
  ForestOptions options;
  options.trees = number("--trees");
  options.threads = number("--threads");
  options.random_thresholds = number("--extra") != 0;
  options.bootstrap = !options.random_thresholds;
  options.out_of_bag = false;
  double best = 1e9;
  double best_cpu = 1e9;  // of all threads; steadier than the clock on a busy machine
  TrainedForest trained;
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    trained = train_forest(data.examples, data.train, options);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
    best_cpu = std::min(best_cpu, static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
  }
  const double right = accuracy(trained.forest, data);
  const size_t nodes = trained.forest.nodes.size();
  if (!arguments["--json"].empty()) {
    fmt::print("{{\"examples\":{},\"features\":{},\"train_s\":{:.4f},\"accuracy\":{:.5f},",
               data.train.size(), data.examples.feature_count, best, right);
    fmt::print("\"cpu_s\":{:.4f},\"nodes\":{}}}\n", best_cpu, nodes);
  } else {
    fmt::print("{} examples of {} features, {} trees: {:.3f} s (CPU {:.3f} s), accuracy {:.4f}, ",
               data.train.size(), data.examples.feature_count, options.trees, best, best_cpu,
               right);
    fmt::print("{} nodes\n", nodes);
  }
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  try {
    flowmark::run(flowmark::read_arguments(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "forest_bench: {}\n", error.what());
    return 1;
  }
}
