#include "dpdk/eal_trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "dpdk/eal.h"

namespace flowmark {
namespace {

// How the trial's process ends. Above these: kFirstPort and the port's index.
constexpr int kGood = 0;
constexpr int kRefused = 1;
constexpr int kFirstPort = 2;

/// Whether an argument asks for a device, and in the next one says for which.
bool asks_for_device(const std::string& argument) {
  return argument == "-a" || argument == "--allow" || argument == "--vdev";
}
bool names_device(const std::string& argument) {
  return argument.starts_with("--vdev=") || argument.starts_with("--allow=");
}

EalPlan without_devices(const EalPlan& plan, const std::string& file_prefix) {
  EalPlan trial = plan;
  trial.arguments.clear();
  for (size_t i = 0; i < plan.arguments.size(); ++i) {
    const std::string& argument = plan.arguments[i];
    if (asks_for_device(argument)) {
      ++i;
    } else if (argument.starts_with("--file-prefix=")) {
      trial.arguments.push_back("--file-prefix=" + file_prefix);
    } else if (!names_device(argument) && argument != "--no-pci") {
      trial.arguments.push_back(argument);
    }
  }
  trial.arguments.emplace_back("--no-pci");
  return trial;
}

/// A name without a driver belongs to no bus.
bool has_driver(const PortSettings& port) {
  rte_devargs device{};  // its memory goes with the process
  return rte_devargs_parse(&device, device_name(port).c_str()) == 0;
}

/// In the trial's process: its exit status.
int run_trial(const Settings& settings, const EalPlan& plan) noexcept {
  try {
    const std::string file_prefix = fmt::format("{}-check{}", settings.eal.file_prefix, getpid());
    const Eal eal(without_devices(plan, file_prefix), file_prefix);
    for (size_t i = 0; i < settings.ports.size(); ++i) {
      if (!is_pci(settings.ports[i]) && !has_driver(settings.ports[i])) {
        return kFirstPort + static_cast<int>(i);
      }
    }
    return kGood;
  } catch (const std::exception&) {
    return kRefused;  // DPDK has said why
  }
}

}  // namespace

void try_eal(const Settings& settings, const EalPlan& plan) {
  const pid_t child = fork();
  if (child < 0) fail("the trial of DPDK: {}", strerror(errno));
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);  // DPDK prints its usage
    if (nowhere >= 0) dup2(nowhere, STDOUT_FILENO);
    _exit(run_trial(settings, plan));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  const int told = WIFEXITED(status) ? WEXITSTATUS(status) : kRefused;
  if (told == kGood) return;
  if (told == kRefused) {
    fail("eal.args: value [{}]: DPDK does not start with these arguments",
         fmt::join(settings.eal.args, ", "));
  }
  const auto index = static_cast<size_t>(told - kFirstPort);
  fail("ports[{}].name: value {}: DPDK has no driver for a device of this name", index,
       settings.ports.at(index).name);
}

}  // namespace flowmark
