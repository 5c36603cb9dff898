// How long an epoch of training takes. cnn_compare.py runs it beside PyTorch.
//
//   cnn_bench [--data FILE] [--bins 1500] [--per-class 100] [--batch 128] [--epochs 3] [--threads
//   2]
//             [--dump FILE] [--json]
//
// FILE is a packet sequence file; without it, flows are synthetic.
#include <fmt/format.h>
#include <tbb/global_control.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "kernel/kernels.h"
#include "train/cnn_pictures.h"
#include "train/cnn_trainer.h"

namespace flowmark {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::map<std::string, std::string> read_arguments(int argc, char** argv) {
  std::map<std::string, std::string> out{
      {"--bins", "1500"}, {"--per-class", "100"}, {"--batch", "128"}, {"--epochs", "3"},
      {"--threads", "0"}, {"--data", ""},         {"--dump", ""},     {"--json", ""}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (out.count(name) == 0 || (name != "--json" && i + 1 == argc)) {
      fail("{}: not an option of cnn_bench, or its value is missing", name);
    }
    out[name] = name == "--json" ? "yes" : argv[++i];
  }
  return out;
}

uint32_t number(const std::map<std::string, std::string>& arguments, const std::string& name) {
  return static_cast<uint32_t>(std::strtoul(arguments.at(name).c_str(), nullptr, 10));
}

void run(const std::map<std::string, std::string>& arguments) {
  uint32_t threads = number(arguments, "--threads");
  threads = threads > 0 ? threads : std::thread::hardware_concurrency();
  const tbb::global_control control(tbb::global_control::max_allowed_parallelism, threads);
  const uint32_t bins = number(arguments, "--bins");
  const ExampleSet examples =
      bench_pictures({arguments.at("--data"), bins, number(arguments, "--per-class"), 15});
  if (!arguments.at("--dump").empty()) {
    dump_pictures(examples, bins, arguments.at("--dump"));
  }
  std::vector<uint32_t> rows(examples.size());
  std::iota(rows.begin(), rows.end(), 0U);
  size_t pixels = 0;
  for (const uint32_t row : rows) {
    pixels += examples.row(row).size();
  }
  CnnTrainingOptions options;
  options.shape = CnnShape::for_picture(bins, bins, static_cast<uint32_t>(examples.classes.size()));
  options.batch = number(arguments, "--batch");
  options.max_epochs = number(arguments, "--epochs");
  double last = now_s();
  double best = 1e9;
  CnnTrainingHooks hooks;
  hooks.on_epoch = [&](const CnnEpoch& epoch, const CnnParameters*) {
    const double now = now_s();
    best = std::min(best, now - last);
    if (arguments.at("--json").empty()) {
      fmt::print("epoch {}: {:.3f} s, loss {:.4f}\n", epoch.epoch, now - last, epoch.loss);
    }
    last = now_s();
    return true;
  };
  train_cnn(examples, rows, {}, options, hooks);
  const auto pictures = static_cast<double>(rows.size());
  const double mean_pixels = static_cast<double>(pixels) / pictures;
  if (arguments.at("--json").empty()) {
    fmt::print("{} pictures of {} x {}, {:.0f} pixels each, batch {}, {} threads, {}\n",
               rows.size(), bins, bins, mean_pixels, options.batch, threads,
               default_kernels().target);
    fmt::print("best epoch {:.3f} s, {:.1f} us a picture\n", best, best / pictures * 1e6);
  } else {
    fmt::print(
        "{{\"pictures\":{},\"pixels\":{:.1f},\"threads\":{},\"target\":\"{}\",\"epoch_s\":{:.5f}}}"
        "\n",
        rows.size(), mean_pixels, threads, default_kernels().target, best);
  }
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  try {
    flowmark::run(flowmark::read_arguments(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cnn_bench: {}\n", error.what());
    return 1;
  }
}
