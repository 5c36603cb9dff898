#include "daemon/wiring.h"

#include <algorithm>

namespace flowmark {

ClassifierOptions classifier_options(const Settings& settings, uint32_t workers, bool replay) {
  constexpr uint32_t kMsPerSecond = 1000;
  const FlowSettings& flows = settings.flows;
  ClassifierOptions options;
  options.table.capacity = std::max(1u, flows.capacity / workers);
  options.table.idle_timeout_ms = flows.idle_seconds * kMsPerSecond;
  options.table.closing_timeout_ms = flows.closing_seconds * kMsPerSecond;
  options.table.young_timeout_ms = flows.young_seconds * kMsPerSecond;
  options.window_memory_bytes = (uint64_t{flows.memory_mb} << 20) / workers;
  options.windows_at_once = flows.young_packets == 1;
  const bool by_port = settings.mode == RunMode::inline_ports && !replay;
  options.direction = by_port ? DirectionRule::lan_port : DirectionRule::first_sender;
  for (size_t i = 0; i < settings.ports.size(); ++i) {
    if (settings.ports[i].role == PortRole::lan) options.lan_port = static_cast<uint16_t>(i);
  }
  options.inside = settings.inside;
  options.parse = settings.tunnels;
  options.mark_mode = settings.marking.mode;
  options.ef_share_max = settings.marking.ef_share_max;
  options.link_bits_per_second = settings.marking.link_mbit * 1'000'000 / workers;
  options.due_capacity = settings.inference.queue;
  return options;
}

WorkerOptions worker_options(const Settings& settings, size_t index, bool replay) {
  constexpr uint64_t kNsPerUs = 1000;
  WorkerOptions options;
  options.index = index;
  options.slice_ns = replay ? WorkerOptions::kNoBudget : settings.inference.slice_us * kNsPerUs;
  options.sleep_when_idle = !replay && settings.idle == IdlePolicy::adaptive;
  return options;
}

}  // namespace flowmark
