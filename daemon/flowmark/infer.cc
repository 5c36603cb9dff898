// flowmark infer: a model's answer for every window of a capture or packet sequence file.

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/json_lines.h"
#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "data/flow_map.h"
#include "model/model.h"

namespace flowmark {
namespace {

struct InferOptions {
  WindowOptions window;
  std::string model;
  bool bench = false;
  bool bf16 = false;
};

constexpr const char* kInferHelp =
    "\nA line (JSON) per window: flow, label, direction, window_start_us, window, packets as "
    "'flowmark features' gives\nthem, then probabilities (in the order of the model's classes) and "
    "class: the likeliest, or for a multi-label\nmodel the list of those with a probability of at "
    "least 0.5. Models that can tell add unfamiliar: whether the\nwindow resembles no class, so "
    "that the answer is for none.\n"
    "--bench adds a line {\"windows\":N,\"median_us\":..,\"p99_us\":..}: inference alone, from "
    "sparse features, one thread.\n"
    "\nExamples:\n"
    "  flowmark infer --model category.onnx capture.pcap\n"
    "  flowmark infer --model pictures.onnx --hop 15 --min-packets 10 --bench flows.csv.gz\n";

void set_answer(JsonLine& line, const Model& model, const EngineScratch& result) {
  const std::span<const float> probabilities = model.engine->probabilities(result);
  JsonLine::array_t numbers;
  numbers.reserve(probabilities.size());
  for (const float probability : probabilities) {
    numbers.push_back(json_number(probability));
  }
  line["probabilities"] = std::move(numbers);
  if (!std::ranges::all_of(probabilities, [](float p) { return std::isfinite(p); })) {
    line["class"] = nullptr;
  } else if (model.multilabel) {
    auto likely = JsonLine::array();
    for (size_t c = 0; c < probabilities.size(); ++c) {
      if (probabilities[c] > model.label_thresholds[c]) {
        likely.push_back(model.classes[c]);
      }
    }
    line["class"] = std::move(likely);
  } else {
    const auto best = std::max_element(probabilities.begin(), probabilities.end());
    line["class"] = model.classes[static_cast<size_t>(best - probabilities.begin())];
  }
  if (!model.most_disagreement.empty()) line["unfamiliar"] = is_unfamiliar(model, result);
}

/// Times each window's inference alone; the windows are kept until all are known, so that cutting
/// the flows does not run beside it.
JsonLine bench_line(const Model& model, const std::vector<SparseWindow>& windows) {
  const auto scratch = model.engine->make_scratch();
  constexpr size_t kWarmUp = 200;
  for (size_t i = 0; i < std::min(kWarmUp, windows.size()); ++i) {
    model.engine->run(*scratch, windows[i]);
  }
  std::vector<double> times_us;
  times_us.reserve(windows.size());
  for (const SparseWindow& window : windows) {
    const auto start = std::chrono::steady_clock::now();
    model.engine->run(*scratch, window);
    const auto end = std::chrono::steady_clock::now();
    times_us.push_back(std::chrono::duration<double, std::micro>(end - start).count());
  }
  std::sort(times_us.begin(), times_us.end());
  const auto quantile = [&](double share) {
    const auto place = static_cast<size_t>(share * static_cast<double>(times_us.size()));
    const double us = times_us.empty() ? 0 : times_us[std::min(place, times_us.size() - 1)];
    return static_cast<float>(std::round(us * 1000) / 1000);
  };
  return {{"windows", windows.size()},
          {"median_us", json_number(quantile(0.5))},
          {"p99_us", json_number(quantile(0.99))}};
}

int run_infer(const InferOptions& options) {
  const TilingOptions tiling = options.window.tiling();
  const FlowReadOptions reading = options.window.reading();
  const std::shared_ptr<const Model> model = load_with_precision(options.model, options.bf16);
  tbb::enumerable_thread_specific<std::unique_ptr<EngineScratch>> scratches(
      [&] { return model->engine->make_scratch(); });
  LineOutput output(options.window.output);
  std::vector<SparseWindow> kept;
  map_flows(options.window.input, reading, [&](RecordedFlow&& flow) -> Deliver {
    std::string lines;
    JsonLine line;
    std::vector<SparseWindow> windows;
    EngineScratch& scratch = *scratches.local();
    cut_windows(flow, model->input, tiling, [&](const OfflineWindow& window) {
      set_window_fields(line, flow, window);
      model->engine->run(scratch, window.features);
      set_answer(line, *model, scratch);
      append_line(lines, line);
      if (options.bench) {
        windows.push_back(window.features);
      }
    });
    return [&output, &kept, text = std::move(lines), windows = std::move(windows)]() mutable {
      output.write(text);
      std::move(windows.begin(), windows.end(), std::back_inserter(kept));
    };
  });
  if (options.bench) {
    std::string text;
    append_line(text, bench_line(*model, kept));
    output.write(text);
  }
  output.finish();
  return 0;
}

}  // namespace

CLI::App* add_infer(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("infer", "Print a model's answer for every window");
  auto options = std::make_shared<InferOptions>();
  options->window.add_to(*command);
  command->add_option("--model", options->model, "Model file")->required()->type_name("MODEL");
  command->add_flag("--bench", options->bench, "Add a line with the time of inference per window");
  command->add_flag("--bf16", options->bf16,
                    "Round weights to bfloat16, as the setting `precision: bf16` does");
  command->footer(kInferHelp);
  command->callback([options, &run] { run = [options] { return run_infer(*options); }; });
  return command;
}

}  // namespace flowmark
