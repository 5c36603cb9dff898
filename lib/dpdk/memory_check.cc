#include "dpdk/memory_check.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "base/error.h"
#include "runtime/wiring.h"

namespace flowmark {
namespace {

constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();

/// Of a line "KEY:   123 kB" in a file of /proc, in bytes; 0 when it is not there.
uint64_t kilobytes(const std::filesystem::path& file, const std::string& key) {
  std::ifstream input(file);
  std::string word;
  for (uint64_t value = 0; input >> word;) {
    if (word == key + ":" && input >> value) return value << 10;
  }
  return 0;
}

/// The least memory.max from this process' control group up (cgroups v2).
uint64_t group_limit(const std::filesystem::path& root) {
  std::ifstream input(root / "proc/self/cgroup");
  std::string line, group;
  while (std::getline(input, line)) {
    if (line.starts_with("0::/")) group = line.substr(4);
  }
  const std::filesystem::path top = root / "sys/fs/cgroup";
  uint64_t least = kNone;
  for (auto folder = top / group;; folder = folder.parent_path()) {
    uint64_t limit = 0;
    if (std::ifstream(folder / "memory.max") >> limit) least = std::min(least, limit);
    if (folder == top || !folder.has_relative_path()) return least;
  }
}

}  // namespace

MachineMemory memory_of_process(pid_t process) {
  const std::filesystem::path status = "/proc/" + std::to_string(process) + "/status";
  return {kilobytes(status, "VmRSS"), kilobytes(status, "HugetlbPages")};
}

uint64_t available_memory(const std::filesystem::path& root) {
  const auto file = root / "proc/meminfo";
  const uint64_t available = kilobytes(file, "MemAvailable");
  if (available == 0) return kNone;  // the kernel does not tell
  return std::min(available + kilobytes(file, "SwapFree"), group_limit(root));
}

void check_memory(const Settings& settings, bool huge_pages, uint64_t available) {
  const uint32_t workers = settings.worker_count;
  const WorkerMemory each = worker_memory(settings.flows, workers);
  const uint64_t packets = huge_pages ? 0 : uint64_t{settings.eal.memory_mb} << 20;
  if ((each.table_bytes + each.window_bytes) * workers + packets <= available) return;
  const bool by_packets = packets > available / 2;  // name what asks for most
  const bool budget = settings.flows.budget_mb != 0;
  const char* key = by_packets ? "eal.memory_mb" : budget ? "flows.budget_mb" : "flows.memory_mb";
  const uint32_t value = by_packets ? settings.eal.memory_mb
                         : budget   ? settings.flows.budget_mb
                                    : settings.flows.memory_mb;
  fail("{}: {}: value {}: {}{}, but {} MB are free", settings.file.string(), key, value,
       memory_text(settings), huge_pages ? " (in huge pages)" : "", available >> 20);
}

}  // namespace flowmark
