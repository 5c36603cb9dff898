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
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>

#include "base/error.h"
#include "train/bench_windows.h"
#include "train/gaussian_nb.h"
#include "train/linear_fit.h"

namespace flowmark {
namespace {

std::map<std::string, std::string> read_arguments(int argc, char** argv) {
  std::map<std::string, std::string> out{
      {"--model", "logistic"}, {"--data", ""},     {"--examples", "20000"}, {"--dump", ""},
      {"--strength", "1e-4"},  {"--threads", "0"}, {"--json", ""}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (out.count(name) == 0 || (name != "--json" && i + 1 == argc)) {
      fail("{}: not an option of linear_bench, or its value is missing", name);
    }
    out[name] = name == "--json" ? "yes" : argv[++i];
  }
  return out;
}

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
  double best_s = 1e9;
  double best_cpu_s = 1e9;
  double accuracy = 0;
  uint32_t iterations = 0;
};

/// The least of three times; making the matrix counts.
template <typename Train>
Outcome measure(const BenchData& data, const Train& train) {
  Outcome outcome;
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    const auto fit = train();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    outcome.best_s = std::min(outcome.best_s, took.count());
    outcome.best_cpu_s = std::min(outcome.best_cpu_s,
                                  static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
    outcome.accuracy = accuracy(fit, data);
    if constexpr (requires { fit.iterations; }) outcome.iterations = fit.iterations;
  }
  return outcome;
}

void run(std::map<std::string, std::string> arguments) {
  const auto number = [&](const char* name) {
    return static_cast<uint32_t>(std::strtoul(arguments.at(name).c_str(), nullptr, 10));
  };
  std::optional<tbb::global_control> limit;
  if (number("--threads") > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, number("--threads"));
  }
  const BenchData data = arguments["--data"].empty() ? made_up_bench_windows(number("--examples"))
                                                     : bench_windows_of(arguments["--data"]);
  if (!arguments["--dump"].empty()) dump_bench_windows(data, arguments["--dump"]);
  const double strength = std::strtod(arguments["--strength"].c_str(), nullptr);
  const std::string& model = arguments["--model"];
  const auto matrix = [&] { return TrainingData(data.examples, data.train, false); };
  Outcome outcome;
  if (model == "logistic") {
    LogisticOptions options;
    options.l2 = strength;
    outcome = measure(data, [&] { return fit_logistic(matrix(), options); });
  } else if (model == "naive-bayes") {
    outcome = measure(data, [&] { return fit_naive_bayes(matrix(), strength); });
  } else if (model == "gaussian-nb") {
    outcome = measure(data, [&] { return fit_gaussian_nb(matrix(), strength); });
  } else {
    fail("--model {}: must be logistic, naive-bayes or gaussian-nb", model);
  }
  if (!arguments["--json"].empty()) {
    fmt::print("{{\"examples\":{},\"features\":{},\"train_s\":{:.5f},\"cpu_s\":{:.5f},",
               data.train.size(), data.examples.feature_count, outcome.best_s, outcome.best_cpu_s);
    fmt::print("\"accuracy\":{:.5f},\"iterations\":{}}}\n", outcome.accuracy, outcome.iterations);
  } else {
    fmt::print("{}, {} examples of {} features: {:.4f} s (CPU {:.4f} s), accuracy {:.4f}", model,
               data.train.size(), data.examples.feature_count, outcome.best_s, outcome.best_cpu_s,
               outcome.accuracy);
    fmt::print("{}\n",
               outcome.iterations > 0 ? fmt::format(", {} iterations", outcome.iterations) : "");
  }
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  try {
    flowmark::run(flowmark::read_arguments(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "linear_bench: {}\n", error.what());
    return 1;
  }
}
