#include "dpdk/eal.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>

#include <filesystem>

#include "base/error.h"
#include "runtime/cycles.h"

namespace flowmark {
namespace {

int call(void* work) {
  (*static_cast<const std::function<void()>*>(work))();
  return 0;
}

/// The EAL leaves it behind, e.g. /var/run/dpdk/flowmark, also when it does not start.
void remove_runtime_folder(const std::string& file_prefix) noexcept {
  std::error_code ignored;
  const char* const folder = rte_eal_get_runtime_dir();
  if (folder != nullptr && std::filesystem::path(folder).filename() == file_prefix) {
    std::filesystem::remove_all(folder, ignored);
  }
}

}  // namespace

Eal::Eal(const EalPlan& plan, const std::string& file_prefix) : file_prefix_(file_prefix) {
  // The EAL keeps pointers into the arguments and reorders them: they live as long as the process.
  static std::vector<std::string> words;
  static std::vector<char*> pointers;
  words = plan.arguments;
  words.insert(words.begin(), "flowmarkd");
  pointers.clear();
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(words.size()), pointers.data()) < 0) {
    const std::string reason = rte_strerror(rte_errno);
    remove_runtime_folder(file_prefix);
    std::string line;
    for (const std::string& word : plan.arguments) line += " " + word;
    fail("DPDK does not start: {} (arguments:{})", reason, line);
  }
}

Eal::~Eal() {
  rte_eal_cleanup();
  remove_runtime_folder(file_prefix_);
}

void Eal::launch(unsigned lcore, const std::function<void()>& work) {
  const int status =
      rte_eal_remote_launch(call, const_cast<void*>(static_cast<const void*>(&work)), lcore);
  if (status != 0) fail("lcore {} does not start: {}", lcore, rte_strerror(-status));
}

void Eal::wait(unsigned lcore) {
  rte_eal_wait_lcore(lcore);
}

uint64_t ticks_per_second() noexcept {
  const uint64_t known = known_cycles_per_second();
  return known != 0 ? known : rte_get_tsc_hz();
}

}  // namespace flowmark
