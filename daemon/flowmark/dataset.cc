// flowmark dataset: from recordings to one file that train, eval and experiment read.

#include <oneapi/tbb/global_control.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/data_options.h"
#include "daemon/flowmark/commands.h"
#include "data/dataset.h"

namespace flowmark {
namespace {

struct DatasetArguments {
  std::vector<std::string> data;
  std::string label_key = "label";
  std::string data_root;
  std::string rules = "none";
  std::string out;
  double block_s = 0, first_s = 0;
  std::optional<double> min_span_s;
  std::optional<uint32_t> min_packets;
  uint32_t block_packets = 0;
  bool unidirectional = false;
  DatasetOptions options;
  uint32_t threads = 0;
  bool json = false;
};

constexpr const char* kDatasetHelp =
    "\nInputs are captures, packet sequence files, the published FlowPic CSV form, and manifests "
    "of "
    "them (docs/cli.md).\nThe file written is a packet sequence file with what is known of every "
    "flow. Without --out only the table is\nprinted.\n"
    "\nRules:\n"
    "  flowpic  unidirectional flows in blocks of 60 s (or --block), with more than 10 packets "
    "over "
    "more than 5/6 of it\n"
    "  tunnel   windows of 1024 packets, both directions\n"
    "  none     whole flows\n"
    "\nExamples:\n"
    "  flowmark dataset --data manifest.yaml --rules flowpic --balance --split-by capture --test "
    "0.2 --out pictures.csv.gz\n"
    "  flowmark dataset --data manifest.yaml --rules flowpic --block 15 --versus voip --out "
    "voip.csv.gz\n"
    "  flowmark dataset --data flows.csv.gz --first 15\n";

TimeUs to_us(double seconds) {
  return std::llround(seconds * static_cast<double>(kUsPerSecond));
}

DatasetOptions checked(const DatasetArguments& arguments) {
  DatasetOptions options;
  if (arguments.rules == "flowpic") {
    options = DatasetOptions::flowpic(arguments.block_s > 0 ? to_us(arguments.block_s)
                                                            : 60 * kUsPerSecond);
  } else if (arguments.rules == "tunnel") {
    if (arguments.block_s > 0) {
      throw UsageError("--block: the tunnel rules cut by packets (--block-packets)");
    }
    options = DatasetOptions::tunnel();
  } else {
    options.block_us = to_us(arguments.block_s);
  }
  if (arguments.block_packets > 0) options.block_packets = arguments.block_packets;
  if (options.block_packets > 0 && options.block_us > 0) {
    throw UsageError("--block-packets: excludes --block and --rules flowpic");
  }
  options.unidirectional |= arguments.unidirectional;
  if (arguments.min_packets) options.min_packets = *arguments.min_packets;
  if (arguments.min_span_s) options.min_span_us = to_us(*arguments.min_span_s);
  options.first_us = to_us(arguments.first_s);
  options.balance = arguments.options.balance;
  options.versus = arguments.options.versus;
  options.multilabel = arguments.options.multilabel;
  options.split_by = arguments.options.split_by;
  options.split = arguments.options.split;
  if (options.balance && !options.versus.empty()) {
    throw UsageError("--versus: is balanced by itself, leave --balance out");
  }
  if (options.multilabel && (!options.versus.empty() || options.split.train_per_class > 0)) {
    throw UsageError("--multi-label: excludes --versus and --train-per-class");
  }
  return options;
}

int run_dataset(const DatasetArguments& arguments) {
  const DatasetOptions options = checked(arguments);
  std::optional<tbb::global_control> limit;
  if (arguments.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, arguments.threads);
  }
  const auto sources = sources_there(arguments.data, arguments.label_key, arguments.data_root);
  const DatasetSummary summary = build_dataset(sources, options, arguments.out);
  if (arguments.json) {
    nlohmann::ordered_json out = summary.to_json();
    if (!arguments.out.empty()) out["out"] = arguments.out;
    std::cout << out.dump(2) << "\n";
  } else {
    std::cout << summary.to_table();
    if (!arguments.out.empty()) std::cout << "written: " << arguments.out << "\n";
  }
  return 0;
}

void add_cutting_options(CLI::App& command, DatasetArguments& arguments) {
  const auto seconds = CLI::Range(0.0, 86400.0);
  command.add_option("--rules", arguments.rules, "flowpic, tunnel or none (below)")
      ->check(CLI::IsMember({"flowpic", "tunnel", "none"}))
      ->capture_default_str();
  command.add_option("--block", arguments.block_s, "Cut flows into blocks of S seconds")
      ->check(seconds)
      ->type_name("S");
  command
      .add_option("--block-packets", arguments.block_packets, "Cut flows into blocks of N packets")
      ->type_name("N");
  command.add_option("--first", arguments.first_s, "Only the first S seconds of each flow")
      ->check(seconds)
      ->type_name("S");
  command.add_flag("--unidirectional", arguments.unidirectional,
                   "Each direction of a conversation by itself");
  command.add_option("--min-packets", arguments.min_packets, "Leave out what has fewer packets")
      ->type_name("N");
  command
      .add_option("--min-span", arguments.min_span_s, "Leave out what spans less than S seconds")
      ->check(seconds)
      ->type_name("S");
}

void add_choosing_options(CLI::App& command, DatasetArguments& arguments) {
  DatasetOptions& options = arguments.options;
  command.add_flag("--balance", options.balance,
                   "Random undersampling: as many of each class as of the rarest");
  command.add_flag("--multi-label", options.multilabel,
                   "Labels such as voip+chat are several: the split gives each its share");
  command.add_option("--versus", options.versus, "One class against equal shares of all others")
      ->type_name("CLASS");
  command
      .add_option("--split-by", options.split_by,
                  "Deal out to train, validation and test what stays together: window, flow, "
                  "capture, file, or another key")
      ->type_name("KEY");
  const auto share = CLI::Range(0.0, 0.9);
  options.split.test = 0.1;
  options.split.validation = 0.1;
  command.add_option("--validation", options.split.validation, "Share of the training groups")
      ->check(share)
      ->capture_default_str();
  command.add_option("--test", options.split.test, "Share of the groups")
      ->check(share)
      ->capture_default_str();
  command.add_option("--train-per-class", options.split.train_per_class,
                     "So many groups of each class to train and validate on, all others to test");
  command.add_option("--seed", options.split.seed, "Of every random choice")->capture_default_str();
}

}  // namespace

CLI::App* add_dataset(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command =
      parent.add_subcommand("dataset", "Build a data set from labelled recordings, or count one");
  auto arguments = std::make_shared<DatasetArguments>();
  command
      ->add_option("--data", arguments->data,
                   "Manifest (.yaml), captures, packet sequence files or FlowPic CSV")
      ->required()
      ->type_name("FILE...");
  command->add_option("--label-key", arguments->label_key, "What a class is: label, or another key")
      ->type_name("KEY")
      ->capture_default_str();
  add_data_root_option(*command, arguments->data_root);
  command->add_option("--out", arguments->out, "Where to write it; packed if it ends in .gz")
      ->type_name("SET.csv.gz");
  add_cutting_options(*command, *arguments);
  add_choosing_options(*command, *arguments);
  command->add_option("--threads", arguments->threads, "Threads to use (default: all)")
      ->type_name("N");
  command->add_flag("--json", arguments->json, "Print JSON instead of a table");
  command->footer(kDatasetHelp);
  command->callback([arguments, &run] { run = [arguments] { return run_dataset(*arguments); }; });
  return command;
}

}  // namespace flowmark
