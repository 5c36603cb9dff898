// flowmark replay: a capture through the daemon's worker, at the capture's own clock.

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "base/warning.h"
#include "cli/json_lines.h"
#include "daemon/flowmark/commands.h"
#include "runtime/capture_io.h"
#include "runtime/model_publisher.h"
#include "runtime/model_store.h"
#include "runtime/summary.h"
#include "runtime/verdict_json.h"
#include "runtime/wiring.h"
#include "runtime/worker.h"
#include "settings/settings.h"

namespace flowmark {
namespace {

constexpr const char* kReplayHelp =
    "\nThe verdicts depend on the capture, the models and the configuration alone: the same input "
    "gives the same\noutput, byte for byte. Ports, workers and inference budgets of the "
    "configuration do not matter here.\n"
    "A line (JSON) per verdict: time_us, flow, model, class (null: abstained), confidence, "
    "provisional, changed, final,\nflow_start_us, packets, bytes, mark (DSCP name or null).\n"
    "\nExamples:\n"
    "  flowmark replay --config replay.yaml capture.pcap --verdicts verdicts.jsonl\n"
    "  flowmark replay --config replay.yaml --model other.onnx capture.pcap --verdicts - --json\n";

struct ReplayOptions {
  std::string config;
  std::vector<std::string> models;
  std::string input;
  std::string verdicts;
  std::string marked;
  bool json = false;
};

/// `--model` files take the place of the configured models; one that is configured already (by its
/// path) keeps name, policy and marks.
void replace_models(Settings& settings, const std::vector<std::string>& paths) {
  if (paths.empty()) return;
  std::vector<ModelSettings> models;
  for (const std::string& path : paths) {
    const auto absolute = std::filesystem::absolute(path).lexically_normal();
    ModelSettings model;
    for (const ModelSettings& configured : settings.models) {
      if (configured.path == absolute) model = configured;
    }
    model.path = absolute;
    if (model.name.empty()) model.name = absolute.stem().string();
    model.when.reset();  // the other model need not be there
    for (const ModelSettings& before : models) {
      if (before.name == model.name) {
        throw UsageError("--model " + path + ": another model is named " + model.name +
                         " already: rename the file");
      }
    }
    models.push_back(std::move(model));
  }
  settings.models = std::move(models);
}

Settings replay_settings(const ReplayOptions& options) {
  try {
    Settings settings = load_settings(options.config);
    replace_models(settings, options.models);
    return settings;
  } catch (const SettingsError& error) {
    throw UsageError(error.what());
  }
}

void print_summary(const ReplayOptions& options, const Totals& totals, const ModelSet& models) {
  // The verdicts may be on standard output already: the summary then goes beside them.
  std::ostream& out = options.verdicts == "-" ? std::cerr : std::cout;
  if (options.json) {
    nlohmann::ordered_json json = summary_json(totals, models, true);
    json["input"] = options.input;
    out << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    out << summary_text(totals, models, true);
  }
}

/// Packets that the capture holds too little of are an error where nothing else could be read.
void check_cut_off(const ReplayOptions& options, const Totals& totals,
                   const CaptureReader& reader) {
  const auto bypassed = [&](Bypass reason) {
    return totals.bypassed[static_cast<size_t>(reason)].get();
  };
  const uint64_t cut_off = bypassed(Bypass::truncated_header);
  if (cut_off == 0 || reader.longest_cut() == 0) return;
  const std::string told =
      cut_off_text(options.input, cut_off, totals.received(), reader.longest_cut());
  const uint64_t unread = cut_off + bypassed(Bypass::not_ip) + bypassed(Bypass::malformed_header);
  if (unread == totals.received()) throw Error(told);
  print_warning(told);
}

int replay(const ReplayOptions& options) {
  constexpr uint64_t kPermille = 1000;
  const Settings settings = replay_settings(options);
  const auto models = load_models(settings, 1);
  ModelPublisher publisher(1, models);
  WorkerCountersList counters;
  counters.push_back(std::make_unique<WorkerCounters>());

  Progress progress("replay", kPermille);
  CaptureIo io(options.input, options.marked, *counters[0], &progress);
  std::optional<LineOutput> lines;
  if (!options.verdicts.empty()) lines.emplace(options.verdicts);
  VerdictWriter writer(*models, [&lines](std::string_view line) {
    if (lines) lines->write(line);
  });
  Worker worker(worker_options(settings, 0, true), classifier_options(settings, 1, true), io,
                publisher, *counters[0], &writer);
  worker.run();
  progress.finish();

  if (!writer.error().empty()) throw Error(writer.error());
  if (lines) lines->finish();
  const Totals totals(counters);
  print_summary(options, totals, *models);
  if (totals.received() != totals.transmitted() + totals.all_dropped()) {
    fail("{}: {} packets received but {} forwarded and {} dropped: please report this",
         options.input, totals.received(), totals.transmitted(), totals.all_dropped());
  }
  io.finish_copy();  // also of a capture that is cut off: the copy is then as far as that goes
  if (!io.error().empty()) throw Error(io.error());
  check_cut_off(options, totals, io.reader());
  return 0;
}

}  // namespace

CLI::App* add_replay(CLI::App& parent, std::function<int()>& run) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = parent.add_subcommand("replay", "Send a capture through the daemon's worker");
  command->footer(kReplayHelp);
  command->add_option("--config", options->config, "Configuration (models, policies, marks)")
      ->required();
  command
      ->add_option("--model", options->models,
                   "Model file instead of the configured ones; may be given several times")
      ->allow_extra_args(false);  // what follows one model is the input
  command->add_option("input", options->input, "Capture: pcap or pcapng; plain, gzip, bzip2 or xz")
      ->required();
  command->add_option("--verdicts", options->verdicts,
                      "Write a line of JSON per verdict to this file (- for standard output)");
  command->add_option("--write-marked", options->marked, "Write a copy of the capture with marks");
  command->add_flag("--json", options->json, "Print the summary as JSON");
  command->callback([options, &run] { run = [options] { return replay(*options); }; });
  return command;
}

}  // namespace flowmark
