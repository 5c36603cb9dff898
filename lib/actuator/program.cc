#include "actuator/program.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "actuator/usage_error.h"

namespace flowmark {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongUse = 2;

constexpr const char* kSignals =
    "\nHUP asks for a new snapshot and compares everything. TERM and INT stop; marks stay.\n"
    "Exit status: 0 stopped, 1 failed, 2 wrong use.";

void add_common_options(CLI::App& app, ActuatorOptions& options, bool& clear, bool can_clear) {
  app.add_option("--socket", options.socket,
                 "Where flowmarkd tells verdicts: verdict_stream.socket")
      ->capture_default_str();
  app.add_option("--metrics", options.metrics,
                 "Write counters to this file each 5 s, for node_exporter's textfile collector")
      ->type_name("FILE");
  app.add_option("--max-flows", options.max_flows, "Flows beyond this number are left out")
      ->check(CLI::Range(size_t{1}, size_t{100'000'000}))
      ->capture_default_str();
  app.add_flag("--once", options.once, "End when the stream ends, instead of connecting again");
  if (!can_clear) return;
  app.add_option("--reconcile-seconds", options.reconcile_seconds,
                 "Compare what is set with the flows that live so often; 0: only when connecting")
      ->check(CLI::Range(0U, 86'400U))
      ->capture_default_str();
  app.add_flag("--towards-lan", options.towards_lan,
               "Where the marks of both directions differ: keep those towards the LAN, not those "
               "towards the WAN");
  app.add_flag("--clear", clear, "Take away all marks of ours, and end");
}

int run(int argc, char** argv, const ActuatorProgram& program) {
  CLI::App app(program.about, program.name);
  ActuatorOptions options;
  bool clear = false;
  app.set_version_flag("--version", program.name + " " FLOWMARK_VERSION);
  add_common_options(app, options, clear, static_cast<bool>(program.clear));
  program.add_options(app);
  app.footer(program.examples + kSignals);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    throw UsageError(std::string(error.what()) + "\nTry '" + program.name + " --help'.");
  }
  ActuatorCounters counters;
  Messages messages(program.name);
  if (clear) {
    program.clear(counters, messages);
    messages.say(summary_text(counters));
    return 0;
  }
  const std::unique_ptr<StreamHandler> handler = program.make_handler(options, counters, messages);
  Runner(options, *handler, counters, messages).run();
  return 0;
}

}  // namespace

MarkKeeper::Limits limits_of(const ActuatorOptions& options) {
  return {options.max_flows, std::chrono::seconds(options.reconcile_seconds), options.towards_lan};
}

int run_actuator(int argc, char** argv, const ActuatorProgram& program) {
  try {
    return run(argc, argv, program);
  } catch (const UsageError& error) {
    std::cerr << program.name << ": " << error.what() << "\n";
    return kWrongUse;
  } catch (const std::exception& error) {
    std::cerr << program.name << ": " << error.what() << "\n";
    return kFailure;
  }
}

}  // namespace flowmark
