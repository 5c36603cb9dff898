// flowmark-exec: a command for each change of a flow's mark.

#include <CLI/CLI.hpp>

#include "actuator/program.h"
#include "actuator/usage_error.h"
#include "daemon/flowmark-exec/exec_handler.h"

namespace flowmark {
namespace {

constexpr const char* kAbout =
    "flowmark-exec: runs a command when a flow's class or mark changes and when the flow ends. The "
    "command gets the line of the stream, JSON, on its standard input; no shell is involved.\n"
    "Commands are limited in rate, number and time. Lines that cannot be told yet wait, at most "
    "one a "
    "flow: a newer line takes the older one's place.";

constexpr const char* kExamples =
    "\nExamples:\n"
    "  flowmark-exec -- /etc/flowmark/hook\n"
    "  flowmark-exec --rate 50 --lines 1000 -- jq -c '[.type, .class, .mark]'\n"
    "\nAfter the start the command is told of each flow that lives, with \"snapshot\":true. When "
    "the\n"
    "connection comes back, only of what changed; flows that are gone end with the reason "
    "\"gone\".\n"
    "docs/actuators.md says more.\n";

void add_options(CLI::App& app, ExecOptions& options) {
  app.add_option("--rate", options.rate, "Commands a second; a second's worth may start at once")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  app.add_option("--max-children", options.max_children, "Commands at a time")
      ->check(CLI::Range(size_t{1}, size_t{1000}))
      ->capture_default_str();
  app.add_option("--timeout-seconds", options.timeout_s,
                 "A command that takes longer is killed, with what it started")
      ->check(CLI::Range(1U, 86'400U))
      ->capture_default_str();
  app.add_option("--lines", options.lines, "Lines that one command may get")
      ->check(CLI::Range(size_t{1}, size_t{100'000}))
      ->capture_default_str();
  app.add_option("command", options.command, "The command and its arguments, after --");
}

// Not by CLI11's required(), which names a missing command before an option that it does not know.
void require_command(const ExecOptions& options) {
  if (options.command.empty()) {
    throw UsageError("name the command to run, after --\nTry 'flowmark-exec --help'.");
  }
}

int run(int argc, char** argv) {
  ExecOptions exec;
  ActuatorProgram program;
  program.name = "flowmark-exec";
  program.about = kAbout;
  program.examples = kExamples;
  program.add_options = [&](CLI::App& app) { add_options(app, exec); };
  program.make_handler = [&](const ActuatorOptions& options, ActuatorCounters& counters,
                             Messages& messages) {
    require_command(exec);
    return std::make_unique<ExecHandler>(exec, options.max_flows, counters, messages);
  };
  return run_actuator(argc, argv, program);
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  return flowmark::run(argc, argv);
}
