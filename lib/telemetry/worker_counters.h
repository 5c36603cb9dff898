#pragma once

#include <array>
#include <cstdint>

#include "telemetry/counters.h"
#include "telemetry/latency_histogram.h"

namespace flowmark {

inline constexpr size_t kMaxModels = 8;    ///< running at once
inline constexpr size_t kMaxClasses = 32;  ///< of one model
inline constexpr size_t kMaxPorts = 2;
inline constexpr size_t kMaxHostGroups = 8;
inline constexpr uint32_t kDscps = 64;

/// Why a packet passed without being classified. It is forwarded all the same.
enum class Bypass : uint8_t {
  not_ip,
  truncated_header,
  malformed_header,
  table_full,     ///< no room for a new flow
  out_of_memory,  ///< the block pool is exhausted: the flow has no windows
  no_model,       ///< nothing loaded
  policy,         ///< the operator wants no model to be asked
  worker_busy,    ///< the distributor found the worker's ring half full
  count_,
};
const char* to_string(Bypass reason) noexcept;

/// Why a received packet was not transmitted.
enum class Drop : uint8_t {
  tx_full,      ///< the transmit queue took no more
  shutdown,     ///< still queued at the stop
  worker_full,  ///< the distributor found no place in the worker's ring
  cut_off,      ///< longer than the port's receive buffer: its end was missing
  over_mtu,     ///< longer than the link takes on which it was to leave
  link_down,    ///< that link is down
  stale,        ///< waited in a port that was not polled for over a second
  count_,
};
const char* to_string(Drop reason) noexcept;

/// Why a mark was not written though the flow has a verdict.
enum class MarkSkip : uint8_t {
  already_marked,  ///< mode `unmarked`: the packet came with a mark
  already_right,   ///< the packet carries this mark
  report_only,
  ef_guard,   ///< the flow was refused its live mark, and the packet carries the fallback or keeps
              ///< its own
  measuring,  ///< whether the flow is admitted to its live mark is not known yet
  trusted,    ///< the packet came with a mark from a sender whose marks stay
  count_,
};
const char* to_string(MarkSkip reason) noexcept;

/// Why a flow does not get the live mark of its class (mark/admission.h).
enum class Refusal : uint8_t {
  icmp,          ///< no conversation of people
  flow_rate,     ///< more than one call needs
  host_share,    ///< its host has as much as it may have
  link_share,    ///< all flows together have
  policy_share,  ///< all flows of its policy together have
  no_room,       ///< more flows with live marks than the table holds
  count_,
};
const char* to_string(Refusal reason) noexcept;

/// How far inference has stepped down because it does not keep up (classify/overload_ladder.h).
enum class LadderStep : uint8_t {
  all,            ///< every due window is read
  no_refinement,  ///< but those of flows on which the model has a verdict
  cheapest,       ///< and those of models for whose task a cheaper one runs
  keep_marks,     ///< none is queued; flows keep the marks they have
  count_,
};
const char* to_string(LadderStep step) noexcept;

// Every counter of the three structs below has a place in the table (counter_table.cc), which names
// and exports it.

/// Per port, of one worker. Bytes include link headers.
struct PortCounters {
  Counter rx_packets, rx_bytes, tx_packets, tx_bytes;
  /// Packets that were received here, by the DSCP they came with and the one they got: see
  /// dscp_change(). Only packets whose headers the classifier could read.
  std::array<Counter, kDscps * kDscps> dscp_changes;

  Counter& dscp_change(uint8_t received, uint8_t sent) noexcept {
    return dscp_changes[received * kDscps + sent];
  }
};

/// Per model slot. Cells are indexed by class.
struct ModelCounters {
  std::array<Counter, kMaxClasses> verdicts;        ///< final or first provisional verdict given
  std::array<Counter, kMaxClasses> flows_now;       ///< flows that carry the verdict (gauge)
  std::array<Counter, kMaxClasses> packets, bytes;  ///< of flows that carry the verdict
  /// Bytes of group g's hosts under class c at g * kMaxClasses + c.
  std::array<Counter, kMaxHostGroups * kMaxClasses> group_bytes;
  Counter provisional, changes, abstentions, inferences;
  Counter not_finite;                           ///< answers with NaN or infinity: no verdict
  Counter unfamiliar;                           ///< answers that voted for no class (open set)
  LinearHistogram<20, 50> confidence_permille;  ///< of verdicts
  Log2Histogram<32> time_to_verdict_ms;         ///< flow's first packet to its first verdict
  Log2Histogram<24> inference_ns;

  /// Back to zero, when another model takes the slot. Only the writer may call it.
  void reset() noexcept;
};

/// Everything one worker counts, or the sum over several. One thread writes, any may read at any
/// time.
struct alignas(64) WorkerCounters {
  std::array<PortCounters, kMaxPorts> ports;
  std::array<Counter, static_cast<size_t>(Bypass::count_)> bypassed;
  std::array<Counter, static_cast<size_t>(Drop::count_)> dropped;
  std::array<Counter, static_cast<size_t>(MarkSkip::count_)> mark_skipped;
  std::array<Counter, kDscps> marked;                                 ///< packets given this DSCP
  std::array<Counter, static_cast<size_t>(Refusal::count_)> demoted;  ///< packets of refused flows
  std::array<Counter, static_cast<size_t>(Refusal::count_)> refused_flows;
  Counter admitted_flows;  ///< times a flow was admitted to a live mark
  Counter reserved_rate;   ///< gauge: bytes a second, of flows with expedited marks
  Counter packets, bytes;  ///< handed to the classifier
  std::array<Counter, kMaxHostGroups> group_bytes_up, group_bytes_down;
  Counter flows_inserted, flows_expired, flows_evicted;
  Counter table_entries, pool_used_bytes;  ///< gauges
  Counter picture_overflows;
  Counter windows_given_up;   ///< flows whose windows made way for others' when memory ran short
  LatencyHistogram delay_ns;  ///< sampled: the poll before a burst's to its transmission
  Counter bursts, empty_polls, busy_cycles, idle_cycles;
  Counter inference_slices;
  Counter inference_slices_over;                ///< longer than the budget by over 2 microseconds
  Counter inference_backlog, inference_ladder;  ///< gauges: windows waiting, LadderStep
  std::array<Counter, static_cast<size_t>(LadderStep::count_)> ladder_entered;  ///< from above
  std::array<Counter, static_cast<size_t>(LadderStep::count_)> left_out;  ///< windows, by the step
  Counter verdict_events_lost;                   ///< the ring to the control thread was full
  Counter flow_events_lost;                      ///< the ring to the verdict stream was full
  std::array<ModelCounters, kMaxModels> models;  ///< the last member: a test relies on it

  /// Adds another worker's counters, gauges too. This object's writer calls it.
  void add(const WorkerCounters& other) noexcept;
};

}  // namespace flowmark
