// flowmark experiment sources: the board of generalisation.

#include <fmt/ranges.h>
#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "cli/data_options.h"
#include "cli/learner_options.h"
#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "experiment/board.h"
#include "experiment/run.h"
#include "report/plot.h"

namespace flowmark {
namespace {

struct BoardArguments {
  std::vector<std::string> data;
  std::string data_root;
  std::string out;
  std::string spec;
  std::vector<std::string> only;
  BoardOptions options;
  bool unbalanced_sources = false;
  bool quick = false;
  bool list = false;
  bool json = false;
  uint32_t threads = 0;
};

constexpr const char* kBoardHelp =
    "\nLeaves out one source of the recordings at a time, trains on all others and judges on it: "
    "what "
    "a model does where\nit was not trained. The manifest (docs/cli.md) says of every flow:\n"
    "  source        where it was recorded\n"
    "  leave_out_by  keys such as \"technique network\": instead of the source, all flows with one "
    "value of a key are\n"
    "                left out at a time\n"
    "\nFigures are balanced accuracies by flow, by class and by treatment (live, film, "
    "interactive, "
    "bulk), after 16 packets\nand of the whole flow, beside those of the nearest neighbours among "
    "the same windows. Only the classes that the\nleft-out recordings have count.\n"
    "\nThe folder --out gets cells/ (one file a finished source: run the command again to go on "
    "where it stopped),\nresults.json, table.md, board.svg and report.html.\n"
    "\nExamples:\n"
    "  flowmark experiment sources --data config/models/all.yaml --data-root recordings --out "
    "board\n"
    "  flowmark experiment sources --data all.yaml --out board --only 'source/*' --model-type "
    "logistic\n";

/// Options that --quick changes and the command line names stay as they are named.
void apply_quick(BoardArguments& arguments, const CLI::App& command) {
  const BoardOptions given = arguments.options;
  BoardOptions& options = arguments.options;
  make_quick(options);
  const auto is_given = [&](const std::string& name) {
    const CLI::Option* option = command.get_option_no_throw("--" + name);
    return option != nullptr && option->count() > 0;
  };
  if (is_given("max-flows")) options.max_flows = given.max_flows;
  if (is_given("max-windows")) options.max_windows = given.max_windows;
  if (is_given("flow-windows")) options.flow_windows = given.flow_windows;
  for (const LearnerOption& option : options.learners.options()) {
    if (is_given(option.name)) {
      options.learners.set(option.name, given.learners.get(option.name));
    }
  }
}

std::string describe_board(const BoardData& data, const BoardArguments& arguments) {
  const BoardOptions& options = arguments.options;
  return fmt::format(
      "{} flows, {} windows of {}; {}, {}; seed {}; sources {}; at most {} flows of a class and "
      "source, {} full windows of a flow, {} windows of a class in training.",
      data.examples.flows.size(), data.examples.size(), fmt::join(arguments.data, ", "),
      options.learner, options.spec.to_json(), options.seed,
      options.balance_by.empty() ? "not balanced" : "balanced by " + options.balance_by,
      options.max_flows, options.flow_windows, options.max_windows);
}

void list_units(const BoardData& data, const std::vector<std::string>& only) {
  for (const BoardUnit& unit : board_units(data.examples)) {
    if (chosen(unit.id(), only)) {
      std::cout << fmt::format("{:<40} {} flows\n", unit.id(), unit.flows.size());
    }
  }
}

BoardHooks board_hooks(Progress& progress, bool quiet) {
  BoardHooks hooks;
  hooks.before = [&progress](const BoardUnit& unit, size_t done, size_t) {
    progress.set(done);
    progress.note(unit.value);
  };
  hooks.after = [quiet](const BoardResult& result, bool kept) {
    if (quiet) return;
    const std::string name = result.axis + " " + result.value;
    std::cout << (result.lacks.empty()
                      ? fmt::format("{}: {:.1f}%, neighbours {:.1f}%{}\n", name,
                                    100 * balanced_by_class(result, result.whole),
                                    100 * balanced_by_class(result, result.whole_neighbours),
                                    kept ? " (kept)" : fmt::format(", {:.1f} s", result.seconds))
                      : fmt::format("{}: not judged: {}\n", name, result.lacks))
              << std::flush;
  };
  return hooks;
}

void write_results(const std::filesystem::path& folder, const std::vector<BoardResult>& results,
                   const std::string& how) {
  write_text_file(folder / "results.json", board_json(results, how).dump(1) + "\n");
  write_text_file(folder / "table.md", board_markdown(results));
  board_report(results, how).write(folder / "report.html");
  if (const std::string plot = board_plot(results); !plot.empty()) {
    write_text_file(folder / "board.svg", standalone_svg(plot));
  }
}

int run_sources(BoardArguments arguments, const CLI::App& command) {
  std::optional<tbb::global_control> limit;
  if (arguments.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, arguments.threads);
  }
  if (arguments.quick) apply_quick(arguments, command);
  BoardOptions& options = arguments.options;
  const LearnerKind& kind = options.learners.kind(options.learner, "--model-type");
  options.spec = parse_spec_argument(arguments.spec.empty() ? kind.input : arguments.spec);
  if (arguments.unbalanced_sources) options.balance_by.clear();
  if (arguments.out.empty() && !arguments.list) {
    throw UsageError("--out: a folder for the results is needed (or --list)");
  }
  const BoardData data =
      load_board_data(sources_there(arguments.data, "label", arguments.data_root), options);
  if (arguments.list) {
    list_units(data, arguments.only);
    return 0;
  }
  const std::string how = describe_board(data, arguments);
  if (!arguments.json) std::cout << how << "\n\n" << std::flush;
  const auto units = board_units(data.examples);
  const auto wanted = std::count_if(units.begin(), units.end(), [&](const BoardUnit& unit) {
    return chosen(unit.id(), arguments.only);
  });
  Progress progress("sources", static_cast<uint64_t>(wanted));
  const auto results = run_board(data, options, arguments.out, arguments.only,
                                 board_hooks(progress, arguments.json));
  progress.finish();
  write_results(arguments.out, results, how);
  std::cout << (arguments.json ? board_json(results, how).dump(1) + "\n"
                               : "\n" + board_markdown(results) +
                                     fmt::format("\n{}: results.json, table.md, board.svg, "
                                                 "report.html\n",
                                                 arguments.out));
  return 0;
}

void add_board_options(CLI::App& command, BoardArguments& arguments) {
  BoardOptions& options = arguments.options;
  const auto add_count = [&command](const char* name, uint32_t& value, const char* help) {
    command.add_option(name, value, help)->check(CLI::Range(1, 10'000'000))->capture_default_str();
  };
  add_count("--max-flows", options.max_flows,
            "Flows of a class and source, and of a class in a test, drawn at random");
  add_count("--max-windows", options.max_windows,
            "Windows of a class in a training, drawn at random");
  add_count("--flow-windows", options.flow_windows,
            "Full windows of a flow, spread evenly over it");
  command
      .add_option("--balance-by", options.balance_by,
                  "Within a class every source counts the same in training: the key that names it")
      ->type_name("KEY")
      ->capture_default_str();
  command.add_flag("--unbalanced-sources", arguments.unbalanced_sources,
                   "Let every window of a class count the same, whatever its source");
  command.add_flag("--validate-by-source", options.validate_by_source,
                   "Calibrate and choose the confidence on whole sources that are not trained on, "
                   "instead of on sessions");
  command.add_option("--neighbours", options.neighbours, "Of the baseline")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option(
          "--target-accuracy", options.target_accuracy,
          "The confidence is the lowest whose answers are so often right on validation data")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of all that is drawn")->capture_default_str();
  command.add_flag("--quick", arguments.quick, "Less of everything, for a first look");
}

}  // namespace

void add_experiment_sources(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command =
      parent.add_subcommand("sources", "The board: each source left out of training in turn");
  auto arguments = std::make_shared<BoardArguments>();
  BoardOptions& options = arguments->options;
  command->add_option("--data", arguments->data, "Manifest (.yaml) that names the sources")
      ->required()
      ->type_name("FILE...");
  add_data_root_option(*command, arguments->data_root);
  command->add_option("--out", arguments->out, "Folder for the results; finished cells are kept")
      ->type_name("FOLDER");
  command
      ->add_option("--spec", arguments->spec,
                   "What the model reads, as for 'flowmark train' (default: the kind's)")
      ->type_name("SPEC");
  command->add_option("--model-type", options.learner, "Kind of model, as for 'flowmark train'")
      ->check(CLI::IsMember(options.learners.names()))
      ->capture_default_str();
  command
      ->add_option("--only", arguments->only,
                   "Only these: beginnings or patterns of what --list shows")
      ->type_name("PATTERN...");
  command->add_flag("--list", arguments->list, "Show what can be left out and stop");
  command->add_flag("--json", arguments->json, "Print JSON instead of tables");
  command->add_option("--threads", arguments->threads, "Threads to use (default: all)");
  add_board_options(*command, *arguments);
  for (const auto& family : options.learners.families()) {
    add_learner_options(*command, *family, &LearnerOption::train_help);
  }
  command->footer(kBoardHelp);
  command->callback([arguments, command, &run] {
    run = [arguments, command] { return run_sources(*arguments, *command); };
  });
}

}  // namespace flowmark
