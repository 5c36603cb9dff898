#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "telemetry/counters.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

enum class MetricKind : uint8_t { counter, gauge, histogram };

/// What one of a counter stands for. The metrics page divides it into the base unit of Prometheus:
/// seconds, or a share of 1.
enum class CounterUnit : uint8_t { one, permille, milliseconds, nanoseconds, cycles };

/// Which bounds of a histogram the metrics page shows: `bound(first)` to `bound(last)`.
struct ShownBounds {
  HistogramBound (*bound)(size_t) noexcept = nullptr;
  size_t first = 0, last = 0;
};

/// How the cells of an array become values of a label.
struct CellLabel {
  const char* key = nullptr;  ///< nullptr: no label
  /// nullptr: whoever writes the page knows the values, which are DSCPs or a model's classes.
  const char* (*value)(size_t cell) = nullptr;
  size_t first_cell = 0;   ///< the cells below it mean nothing
  bool only_used = false;  ///< cells at zero are left out
};

/// The value of the label for a cell that is indexed by `Enum`.
template <typename Enum>
const char* cell_name(size_t cell) {
  return to_string(static_cast<Enum>(cell));
}

/// How the summary tells a member (runtime/summary.h). What is nullptr is left out.
struct SummaryEntry {
  const char* sum = nullptr;      ///< JSON pointer of the sum over the cells: "/flows/started"
  const char* cells = nullptr;    ///< JSON pointer of the cells by name; those at zero are left out
  const char* section = nullptr;  ///< heading that it stands under in the table for people
  /// Its line there; below it the cells of an array that are not zero. Empty: only these.
  const char* line = nullptr;
  bool sending = false;  ///< means something only where packets leave again
};

/// A member of `Owner` as a row of counters: one, those of an array, or those of a histogram
/// (HistogramCells::cells).
template <typename Owner>
struct CounterMember {
  std::span<Counter> (*write)(Owner&) noexcept = nullptr;
  std::span<const Counter> (*read)(const Owner&) noexcept = nullptr;
  const char* label_value = nullptr;  ///< where the members of a metric differ in its label
  ShownBounds bounds{};               ///< of a histogram
  SummaryEntry summary{};

  /// The same, also in the summary.
  constexpr CounterMember in_summary(const SummaryEntry& entry) const noexcept {
    CounterMember out = *this;
    out.summary = entry;
    return out;
  }
};

/// One metric and the members of `Owner` (PortCounters, WorkerCounters, ModelCounters) it tells.
/// Other labels come from the owner: a port's metric has the label `port`, a model's `model`.
template <typename Owner>
struct CounterRow {
  const char* name = nullptr;  ///< without `flowmark_`; nullptr: not on the metrics page
  MetricKind kind = MetricKind::counter;
  const char* help = nullptr;
  std::array<CounterMember<Owner>, 2> members{};  ///< the second is often not used (no `write`)
  CellLabel label{};
  CounterUnit unit = CounterUnit::one;
  bool by_worker = false;  ///< a value for each worker, with the label `worker`; else their sum
};

/// The table of counters, in three parts, one for each owner. Every counter of an owner stands in
/// it once. Adding up workers, the reset of a model's slot, the metrics page and the summary follow
/// it; both have its order. A new counter needs a member (worker_counters.h), a row here, a row in
/// docs/metrics.md and a place that counts. Tests tell when the row is missing here or there.
template <typename Owner>
std::span<const CounterRow<Owner>> counter_table() noexcept;
template <>
std::span<const CounterRow<PortCounters>> counter_table() noexcept;
template <>
std::span<const CounterRow<WorkerCounters>> counter_table() noexcept;
template <>
std::span<const CounterRow<ModelCounters>> counter_table() noexcept;

/// Calls `visit(row, member)` for each member of the table's part for `Owner`.
template <typename Owner, typename Visit>
void for_each_member(Visit visit) {
  for (const CounterRow<Owner>& row : counter_table<Owner>()) {
    for (const CounterMember<Owner>& member : row.members) {
      if (member.write != nullptr) visit(row, member);
    }
  }
}

}  // namespace flowmark
