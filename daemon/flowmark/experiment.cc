// flowmark experiment: the two papers' experiments over any labelled recordings.

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "cli/choice.h"
#include "cli/data_options.h"
#include "cli/learner_options.h"
#include "daemon/flowmark/commands.h"
#include "experiment/run.h"

namespace flowmark {
namespace {

struct ExperimentArguments {
  std::vector<std::string> data;
  std::string label_key = "label";
  std::string data_root;
  std::string out;
  std::vector<std::string> only;
  ExperimentOptions options;
  PlanOptions plan;
  std::string split;
  bool quick = false;
  bool list = false;
  bool json = false;
  uint32_t threads = 0;
};

constexpr const char* kExperimentHelp =
    "\nThe data is a manifest (docs/cli.md) whose entries say what they hold:\n"
    "  label        the kind of traffic; several at once as voip+chat\n"
    "  encryption   plain, tor, or how it is tunnelled (openvpn, wireguard, vpn ...); `technique` "
    "does too\n"
    "  application  which program; without it, the label\n"
    "  background   recorded with so many packets a second of other traffic in the tunnel: for "
    "the\n"
    "               background cells alone\n"
    "  group        what must not be torn apart by the split (session does too); capture\n"
    "  split        train, validation or test, where the data lays it down\n"
    "What the data lacks for a cell is said in its place.\n"
    "\nSplits: group (the default where every entry has one or a session), flow, capture, or "
    "window "
    "as the papers did:\nwindows of one flow on both sides resemble each other and flatter the "
    "model.\n"
    "\nThe folder --out gets cells/ (one file a finished cell: run the command again to go on "
    "where "
    "it stopped),\nresults.json, table.md and report.html.\n"
    "\nExamples:\n"
    "  flowmark experiment leroux --data lab.yaml --out leroux --quick\n"
    "  flowmark experiment flowpic --data lab.yaml --out flowpic --only category 'vs-all/voip/*'\n"
    "  flowmark experiment flowpic --data flows.csv.gz --block 15 --min-span 0 --train-per-class "
    "100 --out ucdavis\n";

const char* honesty(const std::string& split) {
  return split == "window" ? "Windows of one flow may be on both sides of the split: they resemble "
                             "each other, so the figures are higher than on new flows."
         : split == "flow" ? "No flow is on both sides of the split; its recording may be."
                           : "What was recorded together is on one side of the split.";
}

void list_cells(const ExperimentPlan& plan, const std::vector<std::string>& only) {
  for (const ExperimentCell& cell : plan.cells) {
    if (chosen(cell.id, only)) {
      std::cout << fmt::format("{:<48} {}: {}\n", cell.id, cell.table, cell.row);
    }
  }
}

std::string describe(const ExperimentData& data, const ExperimentArguments& arguments) {
  const ExperimentOptions& options = arguments.options;
  return fmt::format(
      "{} flows ({} left out) of {}; kinds: {}; encryption: {}{}. Split by {}, seed {}, {} "
      "repeat(s), at most {} windows a class. {}",
      data.recordings.size(), data.left_out, fmt::join(arguments.data, ", "),
      fmt::join(data.categories(), ", "), fmt::join(data.encryptions(), ", "),
      data.encryption_named ? "" : " (no entry says: all taken as plain)", options.split,
      options.seed, options.repeats, options.max_windows, honesty(options.split));
}

RunHooks hooks_for(Progress& progress, bool quiet) {
  RunHooks hooks;
  hooks.before = [&progress](const ExperimentCell& cell, size_t done, size_t) {
    progress.set(done);
    progress.note(cell.id);
  };
  hooks.after = [quiet](const ExperimentCell& cell, const CellResult& result, bool kept) {
    if (quiet) return;
    std::cout << (result.lacks.empty()
                      ? fmt::format("{}: {:.2f}%{}\n", cell.id, 100 * result.balanced,
                                    kept ? " (kept)" : fmt::format(", {:.1f} s", result.seconds))
                      : fmt::format("{}: lacking: {}\n", cell.id, result.lacks))
              << std::flush;
  };
  return hooks;
}

bool given_on(const CLI::App& command, const std::string& name) {
  const CLI::Option* option = command.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

/// Throws UsageError where options contradict each other.
void check(const ExperimentArguments& arguments) {
  if (arguments.options.learners.get("as-published") == "yes" &&
      arguments.plan.values != ValueKind::count) {
    throw UsageError(
        fmt::format("--as-published: pixels hold numbers of packets, which excludes --values {}",
                    to_string(arguments.plan.values)));
  }
}

int run_named(const std::string& name, ExperimentArguments arguments, const CLI::App& command) {
  check(arguments);
  std::optional<tbb::global_control> limit;
  if (arguments.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, arguments.threads);
  }
  if (arguments.quick) {
    const ExperimentOptions given = arguments.options;
    make_quick(arguments.options);  // what the command line names stays
    if (given_on(command, "--repeats")) arguments.options.repeats = given.repeats;
    if (given_on(command, "--max-windows")) arguments.options.max_windows = given.max_windows;
    for (const LearnerOption& option : arguments.options.learners.options()) {
      if (!option.quick.empty() && given_on(command, "--" + option.name)) {
        arguments.options.learners.set(option.name, given.learners.get(option.name));
      }
    }
  }
  const ExperimentData data =
      load_experiment_data(sources_there(arguments.data, arguments.label_key, arguments.data_root));
  arguments.options.split =
      arguments.split.empty() ? default_experiment_split(data) : arguments.split;
  const ExperimentPlan plan =
      name == "leroux" ? leroux_plan(data, arguments.plan) : flowpic_plan(data, arguments.plan);
  if (arguments.list) {
    list_cells(plan, arguments.only);
    return 0;
  }
  if (arguments.out.empty()) {
    throw UsageError("--out: a folder for the results is needed (or --list)");
  }
  const std::string how = describe(data, arguments);
  if (!arguments.json) std::cout << plan.title << "\n" << how << "\n\n" << std::flush;
  const auto wanted =
      std::count_if(plan.cells.begin(), plan.cells.end(),
                    [&](const ExperimentCell& cell) { return chosen(cell.id, arguments.only); });
  Progress progress("cells", static_cast<uint64_t>(wanted));
  const auto results = run_experiment(plan, data, arguments.options, arguments.out, arguments.only,
                                      hooks_for(progress, arguments.json));
  progress.finish();
  const std::filesystem::path folder = arguments.out;
  auto json = results_json(plan, arguments.options, results);
  json["data"] = how;
  const auto tables = result_tables(plan, results);
  write_text_file(folder / "results.json", json.dump(1) + "\n");
  write_text_file(folder / "table.md", results_markdown(tables));
  results_report(plan, results, how).write(folder / "report.html");
  if (arguments.json) {
    std::cout << json.dump(1) << "\n";
  } else {
    const auto lacking =
        std::count_if(results.begin(), results.end(),
                      [](const CellResult& result) { return !result.lacks.empty(); });
    std::cout << results_text(tables)
              << fmt::format("\n{} of {} cells; for the others the data lacks what is said there\n",
                             results.size() - static_cast<size_t>(lacking), results.size())
              << fmt::format("\n{}: results.json, table.md, report.html\n", arguments.out);
  }
  return 0;
}

void add_data_options(CLI::App& command, ExperimentArguments& arguments) {
  command
      .add_option("--data", arguments.data, "Manifest (.yaml), or files whose flows carry labels")
      ->required()
      ->type_name("FILE...");
  command.add_option("--label-key", arguments.label_key, "Manifest key of the kind of traffic")
      ->type_name("KEY")
      ->capture_default_str();
  add_data_root_option(command, arguments.data_root);
  command.add_option("--out", arguments.out, "Folder for the results; finished cells are kept")
      ->type_name("FOLDER");
  command
      .add_option("--only", arguments.only,
                  "Only these cells: beginnings or patterns of what --list shows")
      ->type_name("PATTERN...");
  command.add_flag("--list", arguments.list, "Show the cells and stop");
  command.add_flag("--json", arguments.json, "Print JSON instead of tables");
  command.add_option("--threads", arguments.threads, "Threads to use (default: all)");
}

/// Options of the learners that read pictures only, or of all others.
void add_learners(CLI::App& command, ExperimentOptions& options, bool pictures) {
  for (const auto& family : options.learners.families()) {
    if (family->kinds().front().pictures == pictures) {
      add_learner_options(command, *family, &LearnerOption::experiment_help);
    }
  }
}

void add_method_options(CLI::App& command, ExperimentArguments& arguments) {
  ExperimentOptions& options = arguments.options;
  command.add_option("--split", arguments.split, "What stays together (see below)")
      ->check(CLI::IsMember({"group", "flow", "capture", "window"}));
  command.add_option("--test", options.test, "Share of the groups kept for the test")
      ->check(CLI::Range(0.05, 0.95))
      ->capture_default_str();
  command.add_option("--train-per-class", options.train_per_class,
                     "Train on so many groups of each class, test on all others");
  command.add_option("--seed", options.seed, "First seed")->capture_default_str();
  command.add_option("--repeats", options.repeats, "With seeds SEED, SEED + 1, ...")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command
      .add_option("--max-windows", options.max_windows,
                  "Of a class, in training and in the test, drawn at random")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command.add_flag("--quick", arguments.quick, "Less of everything, for a first look");
  add_learners(command, options, false);
  command.add_option("--min-packets", options.rules.min_packets, "Leave out thinner windows")
      ->capture_default_str();
  command.add_flag("--first-only", options.rules.first_only, "Each flow's first window only");
}

/// Names of all kinds, those for pictures (the end of the list) first.
std::vector<std::string> picture_learners(const Learners& learners) {
  std::vector<std::string> names;
  for (auto family = learners.families().rbegin(); family != learners.families().rend(); ++family) {
    for (const LearnerKind& kind : (*family)->kinds()) names.emplace_back(kind.name);
  }
  return names;
}

void add_picture_options(CLI::App& command, ExperimentArguments& arguments) {
  ExperimentOptions& options = arguments.options;
  add_choice(
      command, "--values", arguments.plan.values,
      Names<ValueKind>{
          {"count", ValueKind::count}, {"binary", ValueKind::binary}, {"log1p", ValueKind::log1p}},
      "What a pixel holds: number of packets, a packet or none, or the logarithm of 1 + number");
  command
      .add_option_function<double>(
          "--slide",
          [&options](double seconds) {
            options.rules.slide_us =
                static_cast<TimeUs>(std::llround(seconds * static_cast<double>(kUsPerSecond)));
          },
          "Train on pictures that begin every so many seconds too, not only where the block before "
          "ends; 0: no")
      ->check(CLI::Range(0.0, 3600.0))
      ->default_str(fmt::format(
          "{:g}", static_cast<double>(options.rules.slide_us) / static_cast<double>(kUsPerSecond)));
  add_learners(command, options, true);
}

}  // namespace

CLI::App* add_experiment(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand(
      "experiment", "The papers' experiments, and the board of sources, over labelled recordings");
  command->require_subcommand(1);
  command->footer(kExperimentHelp);
  for (const char* name : {"leroux", "flowpic"}) {
    const bool tunnels = std::string(name) == "leroux";
    CLI::App* one =
        command->add_subcommand(name, tunnels ? "Tunnel fingerprints (Leroux et al. 2018)"
                                              : "FlowPic (Shapira & Shavitt 2019)");
    auto arguments = std::make_shared<ExperimentArguments>();
    add_data_options(*one, *arguments);
    add_method_options(*one, *arguments);
    if (tunnels) {
      one->add_option("--window", arguments->plan.window_packets, "Packets of a window")
          ->check(CLI::Range(1, 1024))
          ->capture_default_str();
      one->add_flag("--short-flows", arguments->options.rules.short_flows,
                    "A flow of less than a window gives what it has");
    } else {
      const std::vector<std::string> names = picture_learners(arguments->options.learners);
      one->add_option(
             "--model", arguments->plan.learner,
             fmt::format("{} or {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back()))
          ->check(CLI::IsMember(names))
          ->capture_default_str();
      one->add_option("--block", arguments->plan.block_s, "Seconds of a picture")
          ->check(CLI::Range(1.0, 3600.0))
          ->capture_default_str();
      one->add_option("--min-span", arguments->options.rules.min_span,
                      "Leave out pictures filled to less than this share (50 s of 60)")
          ->check(CLI::Range(0.0, 1.0))
          ->capture_default_str();
      add_picture_options(*one, *arguments);
    }
    one->footer(kExperimentHelp);
    one->callback([arguments, name = std::string(name), one, &run] {
      run = [arguments, name, one] { return run_named(name, *arguments, *one); };
    });
  }
  add_experiment_sources(*command, run);
  add_experiment_classes(*command, run);
  return command;
}

}  // namespace flowmark
