#include "dpdk/eal_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/error.h"

namespace flowmark {
namespace {

uint64_t read_number(const std::filesystem::path& file) {
  std::ifstream input(file);
  uint64_t value = 0;
  input >> value;
  return input ? value : 0;
}

uint64_t free_huge_bytes() {
  uint64_t bytes = 0;
  std::error_code none;
  for (const auto& size : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", none)) {
    // hugepages-2048kB
    const std::string name = size.path().filename().string();
    const size_t dash = name.find('-');
    if (dash == std::string::npos) continue;
    const uint64_t kilobytes = std::strtoull(name.c_str() + dash + 1, nullptr, 10);
    bytes += (kilobytes << 10) * read_number(size.path() / "free_hugepages");
  }
  return bytes;
}

std::vector<uint32_t> choose_cores(const Settings& settings, const Machine& machine) {
  if (!settings.worker_cores.empty()) {
    for (const uint32_t core : settings.worker_cores) {
      if (std::find(machine.cores.begin(), machine.cores.end(), core) == machine.cores.end()) {
        fail("{}: workers: value {}: this process may run on the cores {}", settings.file.string(),
             core, fmt::join(machine.cores, ", "));
      }
    }
    return settings.worker_cores;
  }
  if (settings.worker_count > machine.cores.size()) {
    fail("{}: workers: value {}: this process may run on {} cores only", settings.file.string(),
         settings.worker_count, machine.cores.size());
  }
  // The first core is left to the rest of the box where there are enough.
  const auto last = machine.cores.end();
  return {last - static_cast<std::ptrdiff_t>(settings.worker_count), last};
}

std::string lcores(const Machine& machine, const std::vector<uint32_t>& workers) {
  std::string text = fmt::format("0@({})", fmt::join(machine.cores, ","));
  for (size_t i = 0; i < workers.size(); ++i) text += fmt::format(",{}@{}", i + 1, workers[i]);
  // The distributor's lcore sleeps unless the ports need it; it prefers a core without a worker.
  const auto unused =
      std::find_if(machine.cores.begin(), machine.cores.end(), [&workers](uint32_t core) {
        return std::find(workers.begin(), workers.end(), core) == workers.end();
      });
  if (workers.size() > 1) {
    text += fmt::format(",{}@{}", workers.size() + 1,
                        unused == machine.cores.end() ? machine.cores.front() : *unused);
  }
  return text;
}

/// Take from the front of a text; false if it does not begin so.
bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_hex(std::string_view& text, size_t least_digits, size_t most_digits) {
  const size_t digits = std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size());
  text.remove_prefix(digits);
  return digits >= least_digits && digits <= most_digits;
}

}  // namespace

Machine look_at_machine() {
  Machine machine;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (uint32_t core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) machine.cores.push_back(core);
    }
  }
  machine.free_huge_bytes = free_huge_bytes();
  return machine;
}

EalPlan plan_eal(const Settings& settings, const Machine& machine) {
  const uint64_t wanted = uint64_t{settings.eal.memory_mb} << 20;
  EalPlan plan;
  plan.worker_cores = choose_cores(settings, machine);
  plan.huge_pages =
      settings.eal.huge_pages == HugePages::on ||
      (settings.eal.huge_pages == HugePages::automatic && machine.free_huge_bytes >= wanted);
  if (settings.eal.huge_pages == HugePages::on && machine.free_huge_bytes < wanted) {
    fail("{}: eal.huge_pages: value on: {} MB are in free huge pages, eal.memory_mb asks for {}",
         settings.file.string(), machine.free_huge_bytes >> 20, settings.eal.memory_mb);
  }
  auto& arguments = plan.arguments;
  arguments = {"--lcores=" + lcores(machine, plan.worker_cores),
               "--main-lcore=0",
               "-m",
               std::to_string(settings.eal.memory_mb),
               "--no-telemetry",
               "--file-prefix=" + settings.eal.file_prefix,
               "--log-level=warning"};
  // --in-memory leaves no files behind, but does not go together with --no-huge.
  if (plan.huge_pages) {
    arguments.emplace_back("--in-memory");
  } else {
    arguments.emplace_back("--no-huge");
    arguments.emplace_back("--no-shconf");
  }
  bool pci = false;
  for (const PortSettings& port : settings.ports) {
    if (is_pci(port)) {
      arguments.insert(arguments.end(), {"-a", port.name});
      pci = true;
    } else {
      arguments.push_back("--vdev=" + port.name);
    }
  }
  if (!pci) arguments.emplace_back("--no-pci");
  arguments.insert(arguments.end(), settings.eal.args.begin(), settings.eal.args.end());
  return plan;
}

std::string device_name(const PortSettings& port) {
  return port.name.substr(0, port.name.find(','));
}

bool is_pci(const PortSettings& port) {
  const std::string name = device_name(port);
  std::string_view rest = name;
  const bool has_domain = std::count(name.begin(), name.end(), ':') == 2;
  return (!has_domain || (take_hex(rest, 4, 8) && take(rest, ':'))) && take_hex(rest, 2, 2) &&
         take(rest, ':') && take_hex(rest, 2, 2) && take(rest, '.') && rest.size() == 1 &&
         rest[0] >= '0' && rest[0] <= '7';
}

}  // namespace flowmark
