#pragma once

#include <cstdint>
#include <memory>
#include <vector>

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

}  // namespace flowmark
