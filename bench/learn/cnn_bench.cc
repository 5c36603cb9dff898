// How long an epoch of training takes. cnn_compare.py runs it beside PyTorch.
//
//   cnn_bench [--data FILE] [--bins 1500] [--per-class 100] [--batch 128] [--epochs 3]
//             [--threads 0] [--dump FILE] [--json]
//
// FILE is a packet sequence file; without it, flows are synthetic.
#include <fmt/format.h>
#include <tbb/global_control.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "kernel/kernels.h"
#include "learn/bench_options.h"
#include "learn/cnn/trainer.h"
#include "learn/cnn_pictures.h"

namespace flowmark {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options : BenchOptions {
  uint32_t bins = 1500;
  uint32_t per_class = 100;
  uint32_t batch = 128;
  uint32_t epochs = 3;
};

void run(const Options& chosen) {
  const uint32_t threads =
      chosen.threads > 0 ? chosen.threads : std::thread::hardware_concurrency();
  const tbb::global_control control(tbb::global_control::max_allowed_parallelism, threads);
  const uint32_t bins = chosen.bins;
  const ExampleSet examples = bench_pictures({chosen.data, bins, chosen.per_class, 15});
  if (!chosen.dump.empty()) {
    dump_pictures(examples, bins, chosen.dump);
  }
  std::vector<uint32_t> rows(examples.size());
  std::iota(rows.begin(), rows.end(), 0U);
  size_t pixels = 0;
  for (const uint32_t row : rows) {
    pixels += examples.row(row).size();
  }
  CnnTrainingOptions options;
  options.shape = CnnShape::for_picture(bins, bins, static_cast<uint32_t>(examples.classes.size()));
  options.batch = chosen.batch;
  options.max_epochs = chosen.epochs;
  double last = now_s();
  double best = 1e9;
  CnnTrainingHooks hooks;
  hooks.on_epoch = [&](const CnnEpoch& epoch, const CnnParameters*) {
    const double now = now_s();
    best = std::min(best, now - last);
    if (!chosen.json) {
      fmt::print("epoch {}: {:.3f} s, loss {:.4f}\n", epoch.epoch, now - last, epoch.loss);
    }
    last = now_s();
    return true;
  };
  train_cnn(examples, rows, {}, options, hooks);
  const auto pictures = static_cast<double>(rows.size());
  const double mean_pixels = static_cast<double>(pixels) / pictures;
  if (!chosen.json) {
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
  flowmark::BenchCommand command("How long an epoch of a CNN's training takes", "cnn_bench");
  flowmark::Options options;
  command.add_common(options);
  command.add("--bins", options.bins, "Pixels of a picture's side");
  command.add("--per-class", options.per_class, "Pictures of each class");
  command.add("--batch", options.batch, "Pictures a step");
  command.add("--epochs", options.epochs, "How many");
  return command.run(argc, argv, [&] { flowmark::run(options); });
}
