// flowmark eval: how right a model is on labelled recordings.

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/data_options.h"
#include "daemon/flowmark/commands.h"
#include "daemon/flowmark/eval_deployed.h"
#include "data/prefixes.h"
#include "evaluate/evaluate_vote.h"
#include "model/model.h"
#include "report/evaluation.h"
#include "report/plot.h"

namespace flowmark {
namespace {

struct EvalOptions {
  DataOptions data;
  DeployedOptions deployed;
  std::vector<std::string> models;  ///< several vote
  std::string split;
  std::string impair;
  bool bf16 = false;
  std::string bootstrap_by;
  BootstrapOptions bootstrap;
  std::string report;
  std::string confusion_svg;
  uint32_t pictures = 4;
};

constexpr const char* kEvalHelp =
    "\nPrints precision, recall, F1 and the confusion matrix by full window and by flow; the "
    "accuracy after so many\npackets or seconds (how early is it right?); bootstrap intervals; the "
    "calibration error (do 90% mean 90%?); and\nwhat withholding answers below a confidence costs "
    "and brings, by which a policy's `confidence` is chosen.\nWhere the data says "
    "what is for the test, by\nits entries or by each flow, only that counts.\n"
    "\nOf multi-label models: Hamming loss, exact match, and precision, recall and F1 by label, "
    "after so many packets\nand seconds too, and which sets of labels are taken for which; true "
    "labels are such as voip+chat.\n"
    "\nSeveral --model vote: each reads its own windows and has one voice on a flow, the mean of "
    "its probabilities. They\nmust have the same classes; each is judged alone too. The daemon "
    "does not let models vote.\n"
    "\n--as-deployed plays each flow through the daemon's classifier (early verdicts, votes, "
    "hysteresis, abstaining,\nmarks, admission to live marks) and tells of packets, bytes and "
    "flows "
    "how many were marked right, wrong or not at\nall; when the first right and the first and last "
    "wrong mark came; of all packets of voice how many left as EF, and\nof all that left as EF how "
    "many were not voice.\n"
    "\n--report writes one HTML file with tables, plots and pictures of windows, among them the "
    "mistakes that the model\nwas surest of; it needs no network.\n"
    "\nExamples:\n"
    "  flowmark eval --model category.onnx --data manifest.yaml --report category.html\n"
    "  flowmark eval --model category.onnx --data other.csv.gz --prefix-packets 4 8 16 --json\n"
    "  flowmark eval --model category.onnx --data manifest.yaml --bootstrap-by network\n"
    "  flowmark eval --model category.onnx --data manifest.yaml --impair "
    "loss=0.05,read-every-ms=4\n"
    "  flowmark eval --model forest.onnx --model cnn.onnx --data manifest.yaml\n"
    "  flowmark eval --as-deployed --config flowmark.yaml --data manifest.yaml\n";

using Models = std::vector<std::shared_ptr<const Model>>;

/// How early is it right? Unless the command line says what to cut.
CutOptions cut_of(const EvalOptions& options, const Models& models) {
  std::vector<FeatureSpec> inputs;
  for (const auto& model : models) inputs.push_back(model->input);
  return options.data.cut(evaluation_prefixes(inputs));
}

nlohmann::ordered_json json_of(const Model& model) {
  return {{"path", model.path}, {"sha256", model.sha256}, {"task", model.task}};
}

nlohmann::ordered_json json_of(const LoadCounts& counts) {
  return {{"judged_flows", counts.flows},
          {"thin_flows", counts.thin_flows},
          {"left_out", counts.left_out}};
}

nlohmann::ordered_json json_of(const Model& model, const SourceEvaluation& result,
                               const EvalOptions& options) {
  nlohmann::ordered_json out;
  out["model"] = json_of(model);
  out.update(json_of(result.counts));
  if (result.multi) {
    out.update(result.multi->to_json());
    out["details"] = result.multi->details_json(options.bootstrap);
    return out;
  }
  out.update(result.single->to_json());
  out["details"] = result.single->details_json(options.bootstrap);
  for (const ShownWindow& mistake : result.mistakes) {
    out["confident_mistakes"].push_back({{"flow", mistake.flow},
                                         {"direction", to_string(mistake.window.side)},
                                         {"window", mistake.window.number},
                                         {"truth", model.classes[mistake.truth]},
                                         {"answer", model.classes[mistake.answer]},
                                         {"confidence", mistake.confidence}});
  }
  return out;
}

std::string text_of(const LoadCounts& counts, const EvalOptions& options) {
  return fmt::format("{} flows judged; {} had no window of {} packets, {} left out\n\n",
                     counts.flows, counts.thin_flows, options.data.min_packets, counts.left_out);
}

std::string text_of(const SourceEvaluation& result, const EvalOptions& options) {
  std::string text = text_of(result.counts, options);
  if (result.multi) {
    text += result.multi->to_text() + result.multi->details_text(options.bootstrap);
  } else {
    text += result.single->to_text() + result.single->details_text(options.bootstrap);
  }
  if (!options.report.empty()) {
    text += "\nreport: " + options.report + "\n";
  }
  return text;
}

/// Several models, together and each alone.
int run_vote(const Models& models, const std::vector<DataSource>& sources,
             const EvaluationOptions& how, const EvalOptions& options) {
  const VoteEvaluation result = evaluate_vote(models, sources, how);
  if (options.data.json) {
    nlohmann::ordered_json out = json_of(result.counts);
    for (size_t v = 0; v < models.size(); ++v) {
      nlohmann::ordered_json alone = json_of(*models[v]);
      alone["flows"] = result.voters[v].flows().to_json();
      out["voters"].push_back(alone);
    }
    out.update(result.vote.to_json());
    out["details"] = result.vote.details_json(options.bootstrap);
    std::cout << out.dump(2) << "\n";
    return 0;
  }
  std::string text = text_of(result.counts, options);
  text += fmt::format("{:<36} {:>8} {:>9} {:>9}\n", "alone", "flows", "accuracy", "balanced");
  for (size_t v = 0; v < models.size(); ++v) {
    const Confusion& flows = result.voters[v].flows();
    text += fmt::format("{:<36} {:>8} {:>8.2f}% {:>8.2f}%\n", models[v]->path, flows.total(),
                        100 * flows.accuracy(), 100 * flows.balanced_accuracy());
  }
  text += fmt::format("\nTogether, a vote of {}:\n", models.size());
  std::cout << text << result.vote.to_text() << result.vote.details_text(options.bootstrap);
  return 0;
}

int run_single(const Model& model, const std::vector<DataSource>& sources, EvaluationOptions how,
               const EvalOptions& options) {
  how.shown_per_class = options.report.empty() ? 0 : options.pictures;
  how.shown_mistakes = options.report.empty() ? 0 : 3 * options.pictures;
  const SourceEvaluation result = evaluate_sources(model, sources, how);
  if (!options.report.empty()) {
    evaluation_report(model, result, fmt::format("{}", fmt::join(options.data.data, ", ")),
                      options.bootstrap)
        .write(options.report);
  }
  if (!options.confusion_svg.empty()) {
    if (!result.single) {
      throw UsageError("--confusion-svg: a multi-label model has no confusion matrix");
    }
    write_text_file(options.confusion_svg,
                    standalone_svg(svg_confusion(result.single->flows(), "Confusion by flow")));
  }
  std::cout << (options.data.json ? json_of(model, result, options).dump(2) + "\n"
                                  : text_of(result, options));
  return 0;
}

int run_deployed(const EvalOptions& options) {
  if (options.models.size() > 1) throw UsageError("--as-deployed: the daemon lets no models vote");
  if (!(options.report.empty() && options.confusion_svg.empty() && options.impair.empty())) {
    throw UsageError("--as-deployed: excludes --report, --confusion-svg and --impair");
  }
  return run_eval_deployed(options.deployed, options.models.empty() ? "" : options.models.front(),
                           sources_of_split(options.data.sources(), options.split),
                           options.bootstrap_by, options.bootstrap, options.data.json);
}

int run_eval(const EvalOptions& options) {
  std::optional<tbb::global_control> limit;
  if (options.data.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, options.data.threads);
  }
  if (options.deployed.is_wanted) return run_deployed(options);
  if (options.models.empty()) throw UsageError("--model is required");
  if (options.models.size() > 1 && !(options.report.empty() && options.confusion_svg.empty())) {
    throw UsageError("--report and --confusion-svg: of one --model, not of several that vote");
  }
  Models models;
  for (const std::string& path : options.models) {
    models.push_back(load_with_precision(path, options.bf16));
  }
  const auto sources = sources_of_split(options.data.sources(), options.split);
  EvaluationOptions how;
  how.cut = cut_of(options, models);
  how.group_by = options.bootstrap_by;
  how.cut.impairment = parse_impairment(options.impair, "--impair");
  return models.size() > 1 ? run_vote(models, sources, how, options)
                           : run_single(*models.front(), sources, how, options);
}

}  // namespace

CLI::App* add_eval(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("eval", "Judge a model on labelled recordings");
  auto options = std::make_shared<EvalOptions>();
  command->add_option("--model", options->models, "Model file; several vote")
      ->type_name("MODEL...");
  options->deployed.add_to(*command);
  command->add_flag("--bf16", options->bf16,
                    "Round weights to bfloat16, as the setting `precision: bf16` does");
  options->data.add_to(*command);
  options->data.add_served_to(*command);
  command
      ->add_option(
          "--split", options->split,
          "train, validation, test or all (default: what is for the test, and what is for nothing "
          "in particular unless entries are for the test)")
      ->check(CLI::IsMember({"train", "validation", "test", "all"}));
  command
      ->add_option("--impair", options->impair,
                   "Change every flow first, as a lossy way and a busy machine would: loss, "
                   "loss-run (lost in a row, on average), duplicate, reorder, read-every-ms (all "
                   "packets that arrived since the last reading get one time)")
      ->type_name("NAME=NUMBER,...");
  command
      ->add_option("--report", options->report, "Also write an HTML report with plots and pictures")
      ->type_name("FILE.html");
  command->add_option("--confusion-svg", options->confusion_svg, "Also draw the confusion matrix")
      ->type_name("FILE.svg");
  command
      ->add_option("--pictures", options->pictures,
                   "Report: windows shown of each class, and three times as many mistakes")
      ->check(CLI::Range(0, 50))
      ->capture_default_str();
  command
      ->add_option("--bootstrap-by", options->bootstrap_by,
                   "What intervals are drawn by: flow, file, or a key of the manifest's entries "
                   "(default: session where there is one, else flow)")
      ->type_name("KEY");
  command->add_option("--bootstrap", options->bootstrap.replicates, "Replicates; 0: no intervals")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command->add_option("--seed", options->bootstrap.seed, "Of the bootstrap")->capture_default_str();
  command->footer(kEvalHelp);
  command->callback([options, &run] { run = [options] { return run_eval(*options); }; });
  return command;
}

}  // namespace flowmark
