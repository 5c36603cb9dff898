// flowmark eval: how right a model is on labelled recordings.

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "daemon/cmd_train.h"
#include "model/model.h"
#include "train/evaluation.h"

namespace flowmark {
namespace {

struct EvalOptions {
  DataOptions data;
  std::string model;
  std::string split;
  bool bf16 = false;
};

constexpr const char* kHelp =
    "\nPrints precision, recall, F1 and the confusion matrix by full window and by flow, and the "
    "accuracy after so many\npackets or seconds. Where the manifest says which entries are for the "
    "test, only those count.\n"
    "\nExamples:\n"
    "  flowmark eval --model category.onnx --data manifest.yaml\n"
    "  flowmark eval --model category.onnx --data other.csv.gz --prefix-packets 4 8 16 --json\n";

/// The entries to judge by.
std::vector<DataSource> choose(std::vector<DataSource> sources, const std::string& split) {
  const auto has_test = [](const DataSource& source) { return source.split == "test"; };
  std::string wanted = split;
  if (wanted.empty()) {
    wanted = std::any_of(sources.begin(), sources.end(), has_test) ? "test" : "all";
  }
  if (wanted != "all") {
    // Flows of dataset files say themselves what they are for.
    std::erase_if(sources, [&](const DataSource& source) {
      return !source.split.empty() && source.split != wanted;
    });
    for (DataSource& source : sources) source.only_split = wanted;
    if (sources.empty()) {
      fail("--split {}: no entry of the data has this split", wanted);
    }
  }
  return sources;
}

int run_eval(const EvalOptions& options) {
  std::optional<tbb::global_control> limit;
  if (options.data.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, options.data.threads);
  }
  const std::shared_ptr<const Model> model = load_with_precision(options.model, options.bf16);
  const CutOptions cut = options.data.cut(model->input);
  LoadCounts counts;
  const Evaluation evaluation =
      evaluate_sources(*model, choose(options.data.sources(), options.split), cut, counts);
  if (options.data.json) {
    nlohmann::ordered_json out;
    out["model"] = {{"path", model->path}, {"sha256", model->sha256}, {"task", model->task}};
    out["thin_flows"] = counts.thin_flows;
    out["left_out"] = counts.left_out;
    out.update(evaluation.to_json());
    std::cout << out.dump(2) << "\n";
  } else {
    std::cout << fmt::format("{} flows judged; {} had no window of {} packets, {} left out\n\n",
                             counts.flows, counts.thin_flows, options.data.min_packets,
                             counts.left_out)
              << evaluation.to_text();
  }
  return 0;
}

}  // namespace

CLI::App* add_eval(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("eval", "Judge a model on labelled recordings");
  auto options = std::make_shared<EvalOptions>();
  command->add_option("--model", options->model, "Model file")->required()->type_name("MODEL");
  command->add_flag("--bf16", options->bf16,
                    "Round weights to bfloat16, as the setting `precision: bf16` does");
  options->data.add_to(*command);
  command
      ->add_option(
          "--split", options->split,
          "train, validation, test or all (default: test if the manifest has any, else all)")
      ->check(CLI::IsMember({"train", "validation", "test", "all"}));
  command->footer(kHelp);
  command->callback([options, &run] { run = [options] { return run_eval(*options); }; });
  return command;
}

}  // namespace flowmark
