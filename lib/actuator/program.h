#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actuator/mark_keeper.h"
#include "actuator/runner.h"

namespace CLI {
class App;
}

namespace flowmark {

/// What an actuator is made of beside the loop that all share.
struct ActuatorProgram {
  std::string name;
  std::string about;     ///< the beginning of --help
  std::string examples;  ///< its end
  /// Adds the program's own options.
  std::function<void(CLI::App&)> add_options;
  /// Throws Error where a value is wrong or the kernel refuses: exit status 2 and 1. `counters` and
  /// `messages` live as long as the handler.
  std::function<std::unique_ptr<StreamHandler>(const ActuatorOptions&, ActuatorCounters&,
                                               Messages&)>
      make_handler;
  /// Takes away everything of ours (--clear). Empty: the program has no such option.
  std::function<void(ActuatorCounters&, Messages&)> clear;
};

/// What --max-flows and --reconcile-seconds say.
MarkKeeper::Limits limits_of(const ActuatorOptions& options);

/// The whole of main(): reads the command line and runs. Exit status: 0 stopped, 1 failed, 2 wrong
/// use.
int run_actuator(int argc, char** argv, const ActuatorProgram& program);

}  // namespace flowmark
