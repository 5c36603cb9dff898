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
#include <cstdio>
#include <ctime>
#include <map>

#include "base/error.h"
#include "train/bench_windows.h"
#include "train/forest_trainer.h"

namespace flowmark {
namespace {

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
  const BenchData data = arguments["--data"].empty() ? made_up_bench_windows(number("--examples"))
                                                     : bench_windows_of(arguments["--data"]);
  if (!arguments["--dump"].empty()) {
    dump_bench_windows(data, arguments["--dump"]);
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
