// Time of one inference by number of values in the window. Usage:
//   inference_bench [FILE...]               the paper's network on windows of those flows
//   inference_bench --model M [FILE...]     another model
//   inference_bench --bf16 [FILE...]        the paper's network with bfloat16 weights
//   inference_bench --forests [FILE...]     forests of 100 and 500 trees of depth 16
//   inference_bench --make DIR [FILE...]    writes models and windows for bench/compare
//   inference_bench [--bf16] --serve MODEL WINDOWS   answers lines "I REPEAT" with the nanoseconds
//   of
//                                           window I, median of REPEAT (for bench/compare)
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "kernel/kernels.h"
#include "model/bench_windows.h"
#include "model/model.h"

namespace flowmark::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPerGroup = 40;
const std::vector<uint32_t> kPictureSizes{10, 30, 100, 300, 1000, 3000, 10000};
const std::vector<uint32_t> kHistogramSizes{10, 30, 100, 300};

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double quantile(std::vector<double>& values, double q) {
  const auto at = static_cast<ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

/// Pushes everything out of the first and second level caches, as packets between two inferences
/// would in the worst case.
void spoil_caches() {
  static std::vector<char> memory(8 << 20);
  for (size_t i = 0; i < memory.size(); i += 64) ++memory[i];
}

struct Times {
  double median, p99, cold;
  double longest_step;      ///< us: a slice can go beyond its budget by so much
  double undisturbed_over;  ///< slices of a thousand, without what the machine adds
  double slices_over;       ///< of a thousand, as measured
};

constexpr uint32_t kStepUnits = 512;  // as lib/classify
constexpr double kSliceUs = 5, kOverUs = 7;

/// Slices of a thousand that take too long where the work is nothing but looking at the clock: what
/// the machine itself adds (timer interrupts, other guests).
double slices_over_of_machine() {
  constexpr size_t kSlices = 100'000;
  size_t over = 0;
  for (size_t i = 0; i < kSlices; ++i) {
    const auto start = Clock::now();
    double spent = 0;
    while (spent < kSliceUs) spent = us_since(start);
    over += spent > kOverUs ? 1 : 0;
  }
  return 1000.0 * static_cast<double>(over) / kSlices;
}

double slices_over(const Engine& engine, EngineScratch& scratch,
                   const std::vector<SparseWindow>& windows, size_t runs) {
  size_t slices = 0, over = 0;
  for (size_t i = 0; i < runs; ++i) {
    engine.begin(scratch, windows[i % windows.size()]);
    for (bool ready = false; !ready;) {
      const auto start = Clock::now();
      double spent = 0;
      while (!ready && spent < kSliceUs) {
        ready = engine.step(scratch, kStepUnits);
        spent = us_since(start);
      }
      ++slices;
      over += spent > kOverUs ? 1 : 0;
    }
  }
  return 1000.0 * static_cast<double>(over) / static_cast<double>(slices);
}

struct Steps {
  double longest = 0;  ///< us
  size_t slices = 0, over = 0;
};

/// The steps of every window, each as the least of several runs, which leaves out what the machine
/// adds, put together to slices.
Steps undisturbed_steps(const Engine& engine, EngineScratch& scratch,
                        const std::vector<SparseWindow>& windows) {
  constexpr int kRuns = 25;
  Steps result;
  for (const SparseWindow& window : windows) {
    std::vector<double> steps;
    for (int run = 0; run < kRuns; ++run) {
      engine.begin(scratch, window);
      size_t n = 0;
      for (bool ready = false; !ready; ++n) {
        const auto start = Clock::now();
        ready = engine.step(scratch, kStepUnits);
        const double spent = us_since(start);
        if (n == steps.size()) steps.push_back(spent);
        steps[n] = std::min(steps[n], spent);
      }
    }
    double spent = 0;
    for (size_t n = 0; n < steps.size(); ++n) {
      result.longest = std::max(result.longest, steps[n]);
      spent += steps[n];
      if (spent < kSliceUs && n + 1 < steps.size()) continue;
      ++result.slices;
      result.over += spent > kOverUs ? 1 : 0;
      spent = 0;
    }
  }
  return result;
}

Times measure(const Engine& engine, const std::vector<SparseWindow>& windows) {
  constexpr size_t kRuns = 4000, kColdRuns = 200;
  const auto scratch = engine.make_scratch();
  for (const SparseWindow& window : windows) engine.run(*scratch, window);
  std::vector<double> warm, cold;
  for (size_t i = 0; i < kRuns; ++i) {
    const auto start = Clock::now();
    engine.run(*scratch, windows[i % windows.size()]);
    warm.push_back(us_since(start));
  }
  for (size_t i = 0; i < kColdRuns; ++i) {
    spoil_caches();
    const auto start = Clock::now();
    engine.run(*scratch, windows[i % windows.size()]);
    cold.push_back(us_since(start));
  }
  const Steps steps = undisturbed_steps(engine, *scratch, windows);
  return {quantile(warm, 0.5),
          quantile(warm, 0.99),
          quantile(cold, 0.5),
          steps.longest,
          1000.0 * static_cast<double>(steps.over) / static_cast<double>(steps.slices),
          slices_over(engine, *scratch, windows, kRuns)};
}

void report(const Engine& engine, const std::vector<WindowGroup>& groups) {
  std::printf("%48s %32s\n", "", "slices over 7 us, of 1000");
  std::printf("%8s %8s %8s %10s %10s %10s %16s %12s %12s\n", "values", "windows", "origin",
              "median us", "p99 us", "cold us", "longest step us", "undisturbed", "measured");
  for (const WindowGroup& group : groups) {
    const Times times = measure(engine, group.windows);
    std::printf("%8u %8zu %8s %10.2f %10.2f %10.2f %16.2f %12.2f %12.2f\n", group.values,
                group.windows.size(), group.origin.c_str(), times.median, times.p99, times.cold,
                times.longest_step, times.undisturbed_over, times.slices_over);
  }
  std::printf("a loop that only reads the clock: %.2f of 1000 slices over %.0f us\n",
              slices_over_of_machine(), kOverUs);
}

/// Several windows in lockstep, group of trees by group of trees, so that each group's nodes serve
/// all of them while they are in the cache; and the same windows one after the other.
void report_batches(const Engine& engine, const std::vector<WindowGroup>& groups) {
  constexpr int kRuns = 300;
  for (const size_t batch : {1u, 4u, 16u, 64u}) {
    std::vector<std::unique_ptr<EngineScratch>> scratches;
    for (size_t i = 0; i < batch; ++i) scratches.push_back(engine.make_scratch());
    std::vector<double> times;
    for (int run = 0; run < kRuns; ++run) {
      const WindowGroup& group = groups[static_cast<size_t>(run) % groups.size()];
      const auto start = Clock::now();
      for (size_t i = 0; i < batch; ++i) {
        const size_t at = (static_cast<size_t>(run) * batch + i) % group.windows.size();
        engine.begin(*scratches[i], group.windows[at]);
      }
      for (bool ready = false; !ready;) {
        ready = true;
        for (const auto& scratch : scratches) ready &= engine.step(*scratch, 1);
      }
      times.push_back(us_since(start) / static_cast<double>(batch));
    }
    std::printf("%zu windows in lockstep: %.2f us a window\n", batch, quantile(times, 0.5));
  }
}

const std::vector<uint32_t>& sizes_for(const FeatureSpec& spec) {
  return spec.image() ? kPictureSizes : kHistogramSizes;
}

void bench_model(const std::filesystem::path& path, Precision precision,
                 const std::vector<std::filesystem::path>& files) {
  LoadOptions options;
  options.precision = precision;
  const auto model = load_model(path, options);
  std::printf("%s: %s, %llu parameters, %s, instruction set %s\n", path.filename().c_str(),
              model->engine->kind(), static_cast<unsigned long long>(model->parameters),
              to_string(model->engine->precision()), default_kernels().target);
  const auto groups = make_windows(files, model->input, sizes_for(model->input), kPerGroup);
  report(*model->engine, groups);
  if (std::string_view(model->engine->kind()) == "forest") report_batches(*model->engine, groups);
}

void write_windows(const std::filesystem::path& path, const std::vector<WindowGroup>& groups) {
  nlohmann::json out = nlohmann::json::array();
  for (const WindowGroup& group : groups) {
    nlohmann::json windows = nlohmann::json::array();
    for (const SparseWindow& window : group.windows) {
      nlohmann::json pairs = nlohmann::json::array();
      for (const SparseValue& value : window) pairs.push_back({value.index, value.value});
      windows.push_back(pairs);
    }
    out.push_back({{"values", group.values}, {"origin", group.origin}, {"windows", windows}});
  }
  std::ofstream(path) << out.dump();
}

void make(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& files) {
  std::filesystem::create_directories(folder);
  for (const uint32_t side : {1500u, 300u}) {
    const std::string name = "flowpic" + std::to_string(side);
    write_paper_model(folder / (name + ".onnx"), side);
  }
  for (const uint32_t trees : {100u, 500u}) {
    write_random_forest(folder / ("forest" + std::to_string(trees) + ".onnx"), trees, 16);
  }
  for (const char* name : {"flowpic1500", "flowpic300", "forest100", "forest500"}) {
    const auto model = load_model(folder / (std::string(name) + ".onnx"));
    write_windows(folder / (std::string(name) + ".windows.json"),
                  make_windows(files, model->input, sizes_for(model->input), 8));
  }
}

int serve(const std::filesystem::path& model_path, const std::filesystem::path& windows_path,
          Precision precision) {
  LoadOptions options;
  options.precision = precision;
  const auto model = load_model(model_path, options);
  const auto scratch = model->engine->make_scratch();
  std::vector<SparseWindow> windows;
  std::ifstream stream(windows_path);
  for (const auto& group : nlohmann::json::parse(stream)) {
    for (const auto& pairs : group["windows"]) {
      auto& window = windows.emplace_back();
      for (const auto& pair : pairs) window.push_back({pair[0].get<uint32_t>(), pair[1]});
    }
  }
  std::cout << default_kernels().target << std::endl;
  size_t at = 0, repeat = 0;
  while (std::cin >> at >> repeat) {
    if (at >= windows.size() || repeat == 0) return 2;
    std::vector<double> times;
    for (size_t i = 0; i < repeat; ++i) {
      const auto start = Clock::now();
      model->engine->run(*scratch, windows[at]);
      times.push_back(us_since(start));
    }
    const auto got = model->engine->probabilities(*scratch);
    std::cout << nlohmann::json{{"us", quantile(times, 0.5)},
                                {"probabilities", std::vector<float>(got.begin(), got.end())}}
                     .dump()
              << std::endl;
  }
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  std::vector<std::filesystem::path> files;
  std::string mode, target;
  Precision precision = Precision::exact;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--serve" && i + 2 < arguments.size()) {
      return serve(arguments[i + 1], arguments[i + 2], precision);
    }
    if ((argument == "--model" || argument == "--make") && i + 1 < arguments.size()) {
      mode = argument;
      target = arguments[++i];
    } else if (argument == "--bf16") {
      precision = Precision::bf16;
    } else if (argument == "--forests") {
      mode = argument;
    } else if (argument.starts_with("--")) {
      fail("'{}' is not an option, or lacks its value", argument);
    } else {
      files.emplace_back(argument);
    }
  }
  if (mode == "--make") {
    make(target, files);
    return 0;
  }
  if (mode == "--model") {
    bench_model(target, precision, files);
    return 0;
  }
  const auto made = std::filesystem::temp_directory_path() /
                    ("flowmark-bench-" + std::to_string(::getpid()) + ".onnx");
  for (const uint32_t size :
       mode == "--forests" ? std::vector<uint32_t>{100, 500} : std::vector<uint32_t>{1500, 300}) {
    if (mode == "--forests") {
      write_random_forest(made, size, 16);
    } else {
      write_paper_model(made, size);
    }
    bench_model(made, precision, files);
  }
  std::filesystem::remove(made);
  return 0;
}

}  // namespace
}  // namespace flowmark::bench

int main(int argc, char** argv) {
  try {
    return flowmark::bench::run({argv + 1, argv + argc});
  } catch (const flowmark::Error& error) {
    std::fprintf(stderr, "inference_bench: %s\n", error.what());
    return 1;
  }
}
