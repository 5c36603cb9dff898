#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settings/settings.h"

namespace flowmark {

/// What the start-up found on this machine, for the plan below and for --check-config.
struct Machine {
  std::vector<uint32_t> cores;   ///< this process may run on
  uint64_t free_huge_bytes = 0;  ///< in free huge pages of all sizes
};
Machine look_at_machine();

/// Which lcore runs what, and the arguments that make the EAL so. Lcore 0 is the control thread and
/// may run on every core; lcores 1 .. workers are the workers, pinned; then the distributor, if
/// any.
struct EalPlan {
  std::vector<std::string> arguments;  ///< without the program's name
  std::vector<uint32_t> worker_cores;
  bool huge_pages = false;
};

/// Throws Error naming the key when the machine cannot give what the configuration asks for.
EalPlan plan_eal(const Settings& settings, const Machine& machine);

/// A port's name as DPDK knows the device: the vdev string up to its first comma.
std::string device_name(const PortSettings& port);
bool is_pci(const PortSettings& port);

}  // namespace flowmark
