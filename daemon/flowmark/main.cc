// flowmark: the operator's command. One file a subcommand, beside this one; here only their list
// and what becomes of errors.

#include <exception>
#include <iostream>
#include <span>

#include "daemon/flowmark/commands.h"

namespace flowmark {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongUse = 2;

constexpr const char* kAbout =
    "flowmark: recognises what kind of traffic a flow carries from the sizes and times of its "
    "packets.\n"
    "The command beside the daemon flowmarkd: look at captures, train and check models.\n";

constexpr const char* kExamples =
    "\nExamples:\n"
    "  flowmark features --spec flowpic capture.pcap > pictures.jsonl\n"
    "  flowmark infer --model category.onnx capture.pcap\n"
    "  flowmark dataset --data manifest.yaml --rules flowpic --out set.csv.gz\n"
    "  flowmark train --model-type logistic --data manifest.yaml --out category.onnx\n"
    "  flowmark eval --model category.onnx --data manifest.yaml\n"
    "  flowmark experiment leroux --data manifest.yaml --out results --quick\n"
    "  flowmark model inspect category.onnx\n"
    "\n'flowmark COMMAND --help' says more about a command. Exit status: 0 done, 1 failed, 2 wrong "
    "use.\n";

int report(const char* message, int status) {
  std::cout.flush();
  std::cerr << "flowmark: " << message << "\n";
  return status;
}

/// Of a wrong name the parser would only say that a command is missing. Commands of a command
/// (model verify) too.
void check_command_name(CLI::App& app, std::span<char* const> words) {
  const auto commands = app.get_subcommands([](CLI::App*) { return true; });
  if (commands.empty() || words.empty() || words[0][0] == '-') {
    return;
  }
  std::string names;
  for (CLI::App* known : commands) {
    if (known->get_name() == words[0]) {
      check_command_name(*known, words.subspan(1));
      return;
    }
    names += (names.empty() ? "" : ", ") + known->get_name();
  }
  const bool is_outermost = app.get_parent() == nullptr;
  throw UsageError(fmt::format("{}no command '{}': must be one of {}",
                               is_outermost ? "" : app.get_name() + ": ", words[0], names));
}

int run(int argc, char** argv) {
  CLI::App app(kAbout, "flowmark");
  app.set_version_flag("--version", "flowmark " FLOWMARK_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  std::function<int()> command;
  add_features(app, command);
  add_infer(app, command);
  add_replay(app, command);
  add_dataset(app, command);
  add_train(app, command);
  add_eval(app, command);
  add_experiment(app, command);
  add_model(app, command);
  add_render(app, command);
  add_ctl(app, command);
  check_command_name(app, std::span<char* const>(argv, static_cast<size_t>(argc)).subspan(1));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error);  // --help and --version
    }
    const auto chosen = app.get_subcommands();
    report(error.what(), kWrongUse);
    std::cerr << "Try 'flowmark " << (chosen.empty() ? "" : chosen.front()->get_name() + " ")
              << "--help'.\n";
    return kWrongUse;
  }
  return command();
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  try {
    return flowmark::run(argc, argv);
  } catch (const flowmark::UsageError& error) {
    return flowmark::report(error.what(), flowmark::kWrongUse);
  } catch (const std::exception& error) {
    return flowmark::report(error.what(), flowmark::kFailure);
  }
}
