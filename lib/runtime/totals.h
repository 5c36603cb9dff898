#pragma once

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
struct Totals : WorkerCounters {
  explicit Totals(const WorkerCountersList& workers) noexcept;

  /// Packets over all ports.
  uint64_t received() const noexcept;
  uint64_t transmitted() const noexcept;
  /// Packets over all reasons.
  uint64_t all_dropped() const noexcept;
  /// Packets over all DSCPs.
  uint64_t all_marked() const noexcept;
};

/// For `--json`, `ctl status` and the exit summary. `sends`: packets leave again (not mirror), so
/// that received = transmitted + dropped must hold once the workers have stopped.
nlohmann::ordered_json summary_json(const Totals& totals, const ModelSet& models, bool sends);

/// The same as tables for people, several lines.
std::string summary_text(const Totals& totals, const ModelSet& models, bool sends);

}  // namespace flowmark
