// flowmarkd: the command line, and what becomes of errors at start.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "daemon/flowmarkd/daemon.h"
#include "daemon/flowmarkd/logging.h"
#include "daemon/flowmarkd/signals.h"
#include "settings/settings.h"

namespace flowmark {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongUse = 2;

struct Arguments {
  std::string config = "/etc/flowmark/flowmark.yaml";
  bool check = false;
};

Settings read_settings(const std::string& file) {
  const EndAtOnce if_told;
  return load_settings(file);
}

struct End {
  int status = 0;
  bool still_loads = false;  ///< in a thread that could not be ended
};

End forward(Settings settings, StartNeeds needs) {
  Daemon daemon(std::move(settings), std::move(needs));
  const int status = daemon.run();
  return {status, daemon.is_loading()};
}

int run(const Arguments& arguments) {
  if (!arguments.check) block_signals();
  Settings settings = read_settings(arguments.config);
  if (settings.mode == RunMode::replay) {
    throw SettingsError({arguments.config + ": mode: value replay: flowmarkd runs inline or "
                                            "mirror; for a capture use flowmark replay"});
  }
  if (arguments.check) {
    check_start(settings);
    std::cout << arguments.config << ": good\n";
    return 0;
  }
  StartNeeds needs(settings);
  start_logging(settings.log);
  const auto [status, still_loads] = forward(std::move(settings), std::move(needs));
  // The thread that loads may still use what the usual end of a process takes apart.
  if (still_loads) _exit(status);
  return status;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app(
      "flowmarkd: forwards packets between two ports, recognises what kind of traffic each flow "
      "carries and marks it.\nThe configuration is described in flowmark.yaml; 'flowmark ctl' "
      "talks to the running daemon.",
      "flowmarkd");
  Arguments arguments;
  app.set_version_flag("--version", "flowmarkd " FLOWMARK_VERSION);
  app.add_option("--config", arguments.config, "Configuration file")->capture_default_str();
  app.add_flag("--check-config", arguments.check,
               "Check the configuration, its models, and whether a start would find what it needs; "
               "then end");
  app.footer(
      "\nSIGHUP reads the configuration and the models again, SIGUSR1 opens its files anew, "
      "SIGTERM stops.\n"
      "Exit status: 0 stopped or good, 1 failed, 2 wrong use or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    std::cerr << "flowmarkd: " << error.what() << "\nTry 'flowmarkd --help'.\n";
    return kWrongUse;
  }
  return run(arguments);
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  try {
    return flowmark::parse_and_run(argc, argv);
  } catch (const flowmark::SettingsError& error) {
    flowmark::print_failure(error.what());
    return flowmark::kWrongUse;
  } catch (const std::exception& error) {
    flowmark::print_failure(std::string("flowmarkd: ") + error.what());
    return flowmark::kFailure;
  }
}
