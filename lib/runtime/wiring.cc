#include "runtime/wiring.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace flowmark {

WorkerMemory worker_memory(const FlowSettings& flows, uint32_t workers) {
  // Windows of a flow, on average over a realistic mix (docs/performance.md, "Memory").
  constexpr uint64_t kWindowBytesOfAFlow = 520;
  constexpr uint64_t kLargestTable = 1u << 26;
  WorkerMemory memory;
  if (flows.budget_mb == 0) {
    memory.flows = std::bit_ceil(std::max(1u, flows.capacity / workers));
    memory.table_bytes = FlowTable::memory_bytes(memory.flows);
    memory.window_bytes = (uint64_t{flows.memory_mb} << 20) / workers;
    return memory;
  }
  const uint64_t budget = (uint64_t{flows.budget_mb} << 20) / workers;
  const uint64_t a_flow = FlowTable::memory_bytes(1u << 20) / (1u << 20) + kWindowBytesOfAFlow;
  memory.flows = static_cast<uint32_t>(
      std::bit_floor(std::clamp<uint64_t>(budget / a_flow, 64, kLargestTable)));
  memory.table_bytes = FlowTable::memory_bytes(memory.flows);
  memory.window_bytes = budget - std::min(budget, memory.table_bytes);
  return memory;
}

std::string memory_text(const Settings& settings) {
  constexpr double kMb = 1 << 20;
  const uint32_t workers = settings.worker_count;
  const WorkerMemory each = worker_memory(settings.flows, workers);
  return fmt::format(
      "flow tables {:.0f} MB for {} flows, windows {:.0f} MB, packet buffers {} MB",
      static_cast<double>(each.table_bytes * workers) / kMb, uint64_t{each.flows} * workers,
      static_cast<double>(each.window_bytes * workers) / kMb, settings.eal.memory_mb);
}

LiveLimits live_limits(const MarkingSettings& marking) {
  LiveLimits limits;
  limits.expedited_flow = bytes_of_kbit(marking.ef_flow_kbit);
  limits.expedited_host = bytes_of_kbit(marking.ef_host_kbit);
  if (marking.ef_share_max < 1)
    limits.expedited_link = marking.bytes_of_share(marking.ef_share_max);
  limits.conference_flow = bytes_of_kbit(marking.af4_flow_kbit);
  limits.hold_us = marking.hold_seconds * kUsPerSecond;
  return limits;
}

ClassifierOptions classifier_options(const Settings& settings, uint32_t workers, bool replay) {
  constexpr uint32_t kMsPerSecond = 1000;
  const FlowSettings& flows = settings.flows;
  constexpr uint32_t kHostRecords = 8192;  // half a megabyte of each worker
  ClassifierOptions options;
  const WorkerMemory memory = worker_memory(flows, workers);
  options.table.capacity = memory.flows;
  options.table.timeouts.idle_ms = flows.idle_seconds * kMsPerSecond;
  options.table.timeouts.closing_ms = flows.closing_seconds * kMsPerSecond;
  options.table.timeouts.young_ms = flows.young_seconds * kMsPerSecond;
  options.window_memory_bytes = memory.window_bytes;
  options.prefault = !replay;
  options.windows_at_once = flows.young_packets == 1;
  const bool by_port = settings.mode == RunMode::inline_ports && !replay;
  options.direction = by_port ? DirectionRule::lan_port : DirectionRule::first_sender;
  for (size_t i = 0; i < settings.ports.size(); ++i) {
    if (settings.ports[i].role == PortRole::lan) options.lan_port = static_cast<uint16_t>(i);
  }
  options.inside = settings.inside;
  options.host_groups = settings.host_groups;
  options.host_records = replay ? 0 : kHostRecords;
  options.parse = settings.tunnels;
  options.live_budget = std::make_shared<LiveBudget>(live_limits(settings.marking),
                                                     replay ? HashSecret{} : HashSecret::draw());
  options.due_capacity = settings.inference.queue;
  return options;
}

WorkerOptions worker_options(const Settings& settings, size_t index, bool replay) {
  constexpr uint64_t kNsPerUs = 1000;
  WorkerOptions options;
  options.index = index;
  options.slice_ns = replay ? WorkerOptions::kNoBudget : settings.inference.slice_us * kNsPerUs;
  options.busy_share = settings.inference.busy_share;
  options.sleep_when_idle = !replay && settings.idle == IdlePolicy::adaptive;
  return options;
}

}  // namespace flowmark
