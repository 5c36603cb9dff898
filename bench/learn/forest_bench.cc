// How long a forest takes to train, and how accurate it is on examples set aside. forest_compare.py
// runs it beside scikit-learn.
//
//   forest_bench [--data FILE] [--examples 20000] [--trees 100] [--threads 0] [--extra]
//                [--dump FILE] [--json]
//
// FILE is a packet sequence file: the windows are the first 10, 30, 100, 300 and 1024 packets of
// every flow, every third flow is set aside. Without it, windows of made-up flows.
#include <fmt/format.h>

#include <algorithm>

#include "learn/bench_options.h"
#include "learn/bench_windows.h"
#include "learn/forest/trainer.h"

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

struct Options : BenchOptions {
  uint32_t examples = 20000;
  ForestOptions forest;
};

void run(const Options& chosen) {
  const BenchData data =
      chosen.data.empty() ? made_up_bench_windows(chosen.examples) : bench_windows_of(chosen.data);
  if (!chosen.dump.empty()) {
    dump_bench_windows(data, chosen.dump);
  }
  ForestOptions options = chosen.forest;
  options.threads = chosen.threads;
  options.bootstrap = !options.random_thresholds;
  options.out_of_bag = false;
  BenchTime time;
  TrainedForest trained;
  for (int round = 0; round < 3; ++round) {
    time.measure([&] { trained = train_forest(data.examples, data.train, options); });
  }
  const double right = accuracy(trained.forest, data);
  const size_t nodes = trained.forest.nodes.size();
  if (chosen.json) {
    fmt::print("{{\"examples\":{},\"features\":{},\"train_s\":{:.4f},\"accuracy\":{:.5f},",
               data.train.size(), data.examples.feature_count, time.s, right);
    fmt::print("\"cpu_s\":{:.4f},\"nodes\":{}}}\n", time.cpu_s, nodes);
  } else {
    fmt::print("{} examples of {} features, {} trees: {:.3f} s (CPU {:.3f} s), accuracy {:.4f}, ",
               data.train.size(), data.examples.feature_count, options.trees, time.s, time.cpu_s,
               right);
    fmt::print("{} nodes\n", nodes);
  }
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  flowmark::BenchCommand command("How long a forest takes to train", "forest_bench");
  flowmark::Options options;
  command.add_common(options);
  command.add("--examples", options.examples, "Made-up windows");
  command.add("--trees", options.forest.trees, "How many");
  command.add_flag("--extra", options.forest.random_thresholds, "Extremely randomised trees");
  return command.run(argc, argv, [&] { flowmark::run(options); });
}
