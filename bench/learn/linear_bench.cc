// How long logistic regression and naive Bayes take to train, and how accurate they are on examples
// set aside. linear_compare.py runs it beside scikit-learn.
//
//   linear_bench [--model logistic|naive-bayes|gaussian-nb] [--data FILE] [--examples 20000]
//                [--strength X] [--threads 0] [--dump FILE] [--json]
//
// --strength: l2, alpha or variance smoothing. FILE: see bench_windows_of.
#include <fmt/format.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <optional>

#include "learn/bench_options.h"
#include "learn/bench_windows.h"
#include "learn/linear/gaussian_nb.h"
#include "learn/linear/linear_fit.h"

namespace flowmark {
namespace {

struct Options : BenchOptions {
  std::string model = "logistic";
  uint32_t examples = 20000;
  double strength = 1e-4;
};

template <typename Fit>
double accuracy(const Fit& fit, const BenchData& data) {
  std::vector<double> scores(data.examples.classes.size());
  uint32_t right = 0;
  for (const uint32_t row : data.test) {
    fit.score(data.examples.row(row), scores);
    const auto top = std::max_element(scores.begin(), scores.end()) - scores.begin();
    right += top == data.examples.info(row).class_index ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(data.test.size());
}

struct Outcome {
  BenchTime time;
  double accuracy = 0;
  uint32_t iterations = 0;
};

/// Making the matrix counts, where the model needs one.
template <typename Train>
Outcome measure(const BenchData& data, const Train& train) {
  Outcome outcome;
  for (int round = 0; round < 3; ++round) {
    decltype(train()) fit;
    outcome.time.measure([&] { fit = train(); });
    outcome.accuracy = accuracy(fit, data);
    if constexpr (requires { fit.iterations; }) outcome.iterations = fit.iterations;
  }
  return outcome;
}

Outcome train(const Options& options, const BenchData& data) {
  const auto matrix = [&] { return TrainingData(data.examples, data.train, false); };
  if (options.model == "logistic") {
    LogisticOptions logistic;
    logistic.l2 = options.strength;
    return measure(data, [&] { return fit_logistic(matrix(), logistic); });
  }
  if (options.model == "naive-bayes") {
    return measure(
        data, [&] { return fit_naive_bayes(data.examples, data.train, false, options.strength); });
  }
  return measure(data, [&] { return fit_gaussian_nb(matrix(), options.strength); });
}

void run(const Options& options) {
  std::optional<tbb::global_control> limit;
  if (options.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, options.threads);
  }
  const BenchData data = options.data.empty() ? made_up_bench_windows(options.examples)
                                              : bench_windows_of(options.data);
  if (!options.dump.empty()) dump_bench_windows(data, options.dump);
  const Outcome outcome = train(options, data);
  if (options.json) {
    fmt::print("{{\"examples\":{},\"features\":{},\"train_s\":{:.5f},\"cpu_s\":{:.5f},",
               data.train.size(), data.examples.feature_count, outcome.time.s, outcome.time.cpu_s);
    fmt::print("\"accuracy\":{:.5f},\"iterations\":{}}}\n", outcome.accuracy, outcome.iterations);
  } else {
    fmt::print("{}, {} examples of {} features: {:.4f} s (CPU {:.4f} s), accuracy {:.4f}",
               options.model, data.train.size(), data.examples.feature_count, outcome.time.s,
               outcome.time.cpu_s, outcome.accuracy);
    fmt::print("{}\n",
               outcome.iterations > 0 ? fmt::format(", {} iterations", outcome.iterations) : "");
  }
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  flowmark::BenchCommand command("How long linear models take to train", "linear_bench");
  flowmark::Options options;
  command.add_common(options);
  command.add("--model", options.model, "logistic, naive-bayes or gaussian-nb",
              {"logistic", "naive-bayes", "gaussian-nb"});
  command.add("--examples", options.examples, "Made-up windows");
  command.add("--strength", options.strength, "l2, alpha or variance smoothing");
  return command.run(argc, argv, [&] { flowmark::run(options); });
}
