#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "classify/model_set.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

using WorkerCountersList = std::vector<std::unique_ptr<WorkerCounters>>;

/// The counters of all workers at one moment, added up. Each number is exact; the moment differs a
/// little from one to the next while workers run.
struct Totals {
  struct Port {
    uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
  };
  struct Model {
    std::array<uint64_t, kMaxClasses> verdicts{}, flows_now{}, packets{}, bytes{};
    uint64_t provisional = 0, changes = 0, abstentions = 0, inferences = 0;
  };

  std::array<Port, kMaxPorts> ports{};
  std::array<uint64_t, static_cast<size_t>(Bypass::count_)> bypassed{};
  std::array<uint64_t, static_cast<size_t>(Drop::count_)> dropped{};
  std::array<uint64_t, static_cast<size_t>(MarkSkip::count_)> mark_skipped{};
  std::array<uint64_t, 64> marked{};
  uint64_t packets = 0, bytes = 0;
  uint64_t flows_inserted = 0, flows_expired = 0, flows_evicted = 0, table_entries = 0;
  uint64_t pool_used_bytes = 0, picture_overflows = 0, windows_given_up = 0;
  uint64_t inference_slices = 0, inference_backlog = 0;
  std::array<uint64_t, static_cast<size_t>(LadderStep::count_)> left_out{};
  uint64_t verdict_events_lost = 0;
  std::array<Model, kMaxModels> models{};

  uint64_t received() const noexcept;
  uint64_t transmitted() const noexcept;
  uint64_t all_dropped() const noexcept;
  uint64_t all_marked() const noexcept;
};

Totals add_up(const WorkerCountersList& workers);

/// For `--json`, `ctl status` and the exit summary. `sends`: packets leave again (not mirror), so
/// that received = transmitted + dropped must hold once the workers have stopped.
nlohmann::ordered_json summary_json(const Totals& totals, const ModelSet& models, bool sends);

/// The same as tables for people, several lines.
std::string summary_text(const Totals& totals, const ModelSet& models, bool sends);

}  // namespace flowmark
