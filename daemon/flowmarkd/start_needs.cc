#include "daemon/flowmarkd/start_needs.h"

#include <unistd.h>

#include <iostream>
#include <limits>

#include "base/error.h"
#include "daemon/flowmarkd/listen_address.h"
#include "daemon/flowmarkd/logging.h"
#include "daemon/flowmarkd/stream/verdict_stream.h"
#include "dpdk/eal_trial.h"
#include "dpdk/memory_check.h"
#include "dpdk/packet_pool.h"
#include "dpdk/port_check.h"
#include "dpdk/privileges.h"
#include "runtime/ctl_server.h"
#include "runtime/model_store.h"

namespace flowmark {
namespace {

EalPlan checked_plan(const Settings& settings, pid_t itself) {
  for (size_t i = 0; i < settings.ports.size(); ++i) {
    check_privileges(settings.ports[i], i);
    check_port(settings.ports[i], i);
  }
  const MachineMemory returned = itself == 0 ? MachineMemory{} : memory_of_process(itself);
  Machine machine = look_at_machine();
  machine.free_huge_bytes += returned.huge_pages;
  EalPlan plan = plan_eal(settings, machine);
  check_packet_memory(settings);
  const uint64_t free = available_memory();
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  check_memory(settings, plan.huge_pages,
               free > kMost - returned.ordinary ? kMost : free + returned.ordinary);
  return plan;
}

// While a daemon runs with this configuration, the metrics' address is not tried: that daemon has
// it, and nothing tells it from another program's.
void check_places(const Settings& settings, pid_t itself) {
  check_log_file(settings.log);
  VerdictStream::check(settings.verdict_stream, itself != 0);
  if (!settings.control_socket.empty()) CtlServer::check(settings.control_socket, itself != 0);
  if (!settings.metrics_listen.empty() && itself == 0) close(listen_on(settings.metrics_listen));
}

}  // namespace

StartNeeds::StartNeeds(const Settings& settings, bool besides_itself)
    : lock(settings, besides_itself), plan(checked_plan(settings, lock.itself())) {
  check_places(settings, lock.itself());
}

void check_start(const Settings& settings) {
  const StartNeeds needs(settings, true);
  // What runs with this configuration has started, and may hold the huge pages.
  if (needs.lock.itself() == 0) try_eal(settings, needs.plan);
  const auto models = load_models(settings, 1);
  if (auto faults = class_faults(settings, *models); !faults.empty()) {
    for (std::string& fault : faults) fault = settings.file.string() + ": " + fault;
    throw SettingsError(std::move(faults));
  }
  for (const std::string& remark : remarks(settings, *models)) {
    std::cerr << settings.file.string() << ": " << remark << "\n";
  }
}

}  // namespace flowmark
