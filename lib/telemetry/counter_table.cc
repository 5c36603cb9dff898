#include "telemetry/counter_table.h"

#include <type_traits>

namespace flowmark {
namespace {

template <typename T>
constexpr bool kIsArray = false;
template <size_t N>
constexpr bool kIsArray<std::array<Counter, N>> = true;

/// The counters in a member: a single one, an array, a histogram.
template <typename T>
auto cells_in(T& member) noexcept {
  if constexpr (std::is_same_v<std::remove_const_t<T>, Counter>) {
    return std::span<T>(&member, 1);
  } else if constexpr (kIsArray<std::remove_const_t<T>>) {
    return std::span(member);
  } else {
    return member.cells();
  }
}

template <auto Member>
struct MemberTraits;
template <typename Owner_, typename Type_, Type_ Owner_::*Member>
struct MemberTraits<Member> {
  using Owner = Owner_;
  using Type = Type_;
};

template <auto Member, typename Owner = typename MemberTraits<Member>::Owner>
constexpr CounterMember<Owner> member(const char* label_value = nullptr) {
  return {
      .write = [](Owner& owner) noexcept -> std::span<Counter> { return cells_in(owner.*Member); },
      .read = [](const Owner& owner) noexcept -> std::span<const Counter> {
        return cells_in(owner.*Member);
      },
      .label_value = label_value};
}

/// A histogram of which the page shows the bounds `first` to `last` (of the type's `bound`).
template <auto Member>
constexpr auto histogram(size_t first, size_t last) {
  auto out = member<Member>();
  out.bounds = {&MemberTraits<Member>::Type::bound, first, last};
  return out;
}

template <typename Enum>
constexpr CellLabel by(const char* key, size_t first_cell = 0) {
  return {.key = key, .value = cell_name<Enum>, .first_cell = first_cell};
}

constexpr CounterRow<PortCounters> kPortTable[] = {
    {.name = "packets_total",
     .help = "Packets received from and sent to the ports.",
     .members = {member<&PortCounters::rx_packets>("rx").in_summary({.sum = "/rx_packets"}),
                 member<&PortCounters::tx_packets>("tx").in_summary({.sum = "/tx_packets"})},
     .label = {"direction"}},
    {.name = "bytes_total",
     .help = "Bytes of these packets, link headers included.",
     .members = {member<&PortCounters::rx_bytes>("rx").in_summary({.sum = "/rx_bytes"}),
                 member<&PortCounters::tx_bytes>("tx").in_summary({.sum = "/tx_bytes"})},
     .label = {"direction"}},
    {.members = {member<&PortCounters::dscp_changes>()}},  // on the page with two labels
};

using W = WorkerCounters;
constexpr CounterRow<WorkerCounters> kWorkerTable[] = {
    {.name = "dropped_packets_total",
     .help = "Packets received but not sent, by reason.",
     .members = {member<&W::dropped>().in_summary({.sum = "/dropped",
                                                   .cells = "/dropped_by_reason",
                                                   .section = "packets",
                                                   .line = "dropped",
                                                   .sending = true})},
     .label = by<Drop>("reason")},
    {.name = "bypassed_packets_total",
     .help = "Packets forwarded unclassified, by reason.",
     .members = {member<&W::bypassed>().in_summary({.cells = "/unclassified_by_reason",
                                                    .section = "packets",
                                                    .line = "forwarded unclassified"})},
     .label = by<Bypass>("reason")},
    {.name = "marked_packets_total",
     .help = "Packets given this DSCP.",
     .members = {member<&W::marked>().in_summary(
         {.sum = "/marked", .cells = "/marked_by_dscp", .section = "packets", .line = "marked"})},
     .label = {.key = "dscp", .only_used = true}},
    {.name = "unmarked_packets_total",
     .help = "Packets of flows with a verdict that were not marked, by reason.",
     .members = {member<&W::mark_skipped>().in_summary({.cells = "/not_marked_by_reason",
                                                        .section = "packets",
                                                        .line = "with a verdict, not marked"})},
     .label = by<MarkSkip>("reason")},
    {.name = "demoted_packets_total",
     .help = "Packets of flows that were refused their live mark, by reason.",
     .members = {member<&W::demoted>().in_summary(
         {.cells = "/demoted_by_reason", .section = "packets", .line = "refused their live mark"})},
     .label = by<Refusal>("reason")},
    {.name = "live_flows_refused_total",
     .help = "Times a flow was refused its live mark, by reason.",
     .members = {member<&W::refused_flows>()},
     .label = by<Refusal>("reason", 1)},
    {.name = "live_flows_admitted_total",
     .help = "Times a flow was admitted to its live mark.",
     .members = {member<&W::admitted_flows>()}},
    {.name = "expedited_reserved_bytes_per_second",
     .kind = MetricKind::gauge,
     .help = "Rate that flows with expedited marks have reserved.",
     .members = {member<&W::reserved_rate>()}},

    {.members = {member<&W::group_bytes_up>(), member<&W::group_bytes_down>()}},  // by group

    {.name = "flows",
     .kind = MetricKind::gauge,
     .help = "Flows in the tables now.",
     .members = {member<&W::table_entries>().in_summary({.sum = "/flows/now"})}},
    {.name = "window_memory_used_bytes",
     .kind = MetricKind::gauge,
     .help = "Memory of the flows' windows in use.",
     .members = {member<&W::pool_used_bytes>()}},
    {.name = "flows_started_total",
     .help = "Flows that entered a table.",
     .members = {member<&W::flows_inserted>().in_summary(
         {.sum = "/flows/started", .section = "flows", .line = "started"})}},
    {.name = "flows_ended_total",
     .help = "Flows that left a table, by reason.",
     .members =
         {member<&W::flows_expired>("expired").in_summary({.sum = "/flows/expired"}),
          member<&W::flows_evicted>("evicted").in_summary(
              {.sum = "/flows/evicted", .section = "flows", .line = "evicted from a full table"})},
     .label = {"reason"}},
    {.name = "picture_overflows_total",
     .help = "Packets left out of a full picture.",
     .members = {member<&W::picture_overflows>()}},
    {.name = "windows_given_up_total",
     .help = "Idle flows that gave up their windows when memory ran short.",
     .members = {member<&W::windows_given_up>().in_summary(
         {.section = "flows", .line = "gave up their windows"})}},

    {.name = "worker_seconds_total",
     .help = "Time of the workers, busy or idle.",
     .members = {member<&W::busy_cycles>("busy"), member<&W::idle_cycles>("idle")},
     .label = {"state"},
     .unit = CounterUnit::cycles,
     .by_worker = true},
    {.name = "worker_bursts_total",
     .help = "Bursts of packets taken.",
     .members = {member<&W::bursts>()},
     .by_worker = true},
    // Not shown: the daemon watches it, because a worker that polls is alive.
    {.members = {member<&W::empty_polls>()}},
    {.name = "worker_packets_total",
     .help = "Packets handed to the classifier.",
     .members = {member<&W::packets>()},
     .by_worker = true},
    // Not shown: ports tell bytes.
    {.members = {member<&W::bytes>()}},
    {.name = "inference_slices_total",
     .help = "Slices of inference between bursts.",
     .members = {member<&W::inference_slices>()},
     .by_worker = true},
    {.name = "inference_backlog",
     .kind = MetricKind::gauge,
     .help = "Windows waiting for inference.",
     .members = {member<&W::inference_backlog>().in_summary({.sum = "/inference/backlog"})},
     .by_worker = true},
    {.name = "inference_slices_over_total",
     .help = "Slices that took over 2 microseconds more than their budget.",
     .members = {member<&W::inference_slices_over>()},
     .by_worker = true},
    {.name = "inference_ladder_step",
     .kind = MetricKind::gauge,
     .help = "How far inference has stepped down: 0 all, 1 no_refinement, 2 cheapest, "
             "3 keep_marks.",
     .members = {member<&W::inference_ladder>()},
     .by_worker = true},
    {.name = "inference_ladder_entered_total",
     .help = "Times inference stepped down to this.",
     .members = {member<&W::ladder_entered>()},
     .label = by<LadderStep>("step", 1),
     .by_worker = true},
    {.name = "inference_left_out_total",
     .help = "Due windows left out, by step of the ladder.",
     .members = {member<&W::left_out>().in_summary({.cells = "/inference/left_out_by_step"})},
     .label = by<LadderStep>("step", 1),
     .by_worker = true},
    {.name = "verdict_events_lost_total",
     .help = "Verdict events the control thread missed.",
     .members = {member<&W::verdict_events_lost>().in_summary({.sum = "/verdict_events_lost"})},
     .by_worker = true},
    {.name = "flow_events_lost_total",
     .help = "Flow events the verdict stream missed.",
     .members = {member<&W::flow_events_lost>()},
     .by_worker = true},
    // A microsecond to 17 ms.
    {.name = "delay_seconds",
     .kind = MetricKind::histogram,
     .help = "From the poll before a burst's to its transmission, sampled: the longest its packets "
             "can have waited.",
     .members = {histogram<&W::delay_ns>(10, 24)},
     .unit = CounterUnit::nanoseconds,
     .by_worker = true},
};

using M = ModelCounters;
constexpr CounterRow<ModelCounters> kModelTable[] = {
    {.name = "verdicts_total",
     .help = "Verdicts given, by model and class.",
     .members = {member<&M::verdicts>().in_summary({.cells = "/verdicts", .line = ""})},
     .label = {"class"}},
    {.name = "class_flows",
     .kind = MetricKind::gauge,
     .help = "Flows that carry the verdict now.",
     .members = {member<&M::flows_now>().in_summary({.cells = "/flows_now"})},
     .label = {"class"}},
    {.name = "class_packets_total",
     .help = "Packets of flows that carried the verdict.",
     .members = {member<&M::packets>().in_summary({.cells = "/packets"})},
     .label = {"class"}},
    {.name = "class_bytes_total",
     .help = "IP bytes of flows that carried the verdict.",
     .members = {member<&M::bytes>().in_summary({.cells = "/bytes"})},
     .label = {"class"}},
    {.members = {member<&M::group_bytes>()}},  // on the page by group
    {.name = "provisional_verdicts_total",
     .help = "Verdicts given before the window was full.",
     .members = {member<&M::provisional>().in_summary({.sum = "/provisional"})}},
    {.name = "verdict_changes_total",
     .help = "Verdicts that replaced another one.",
     .members = {member<&M::changes>().in_summary({.sum = "/changes", .line = "changed later"})}},
    {.name = "abstentions_total",
     .help = "Answers below the confidence asked for.",
     .members = {member<&M::abstentions>().in_summary(
         {.sum = "/abstentions", .line = "abstentions"})}},
    {.name = "answers_not_finite_total",
     .help = "Answers without a verdict because a score was NaN or infinite.",
     .members = {member<&M::not_finite>()}},
    {.name = "answers_unfamiliar_total",
     .help = "Answers that voted for no class because the window resembles none.",
     .members = {member<&M::unfamiliar>()}},
    {.name = "inferences_total",
     .help = "Windows a model answered.",
     .members = {member<&M::inferences>().in_summary(
         {.sum = "/inferences", .line = "inferences"})}},
    // 0.3 to 0.95.
    {.name = "verdict_confidence",
     .kind = MetricKind::histogram,
     .help = "Confidence of verdicts, 0 to 1.",
     .members = {histogram<&M::confidence_permille>(5, 18)},
     .unit = CounterUnit::permille},
    // 0 to 17 minutes.
    {.name = "time_to_verdict_seconds",
     .kind = MetricKind::histogram,
     .help = "From a flow's first packet to its first verdict.",
     .members = {histogram<&M::time_to_verdict_ms>(0, 20)},
     .unit = CounterUnit::milliseconds},
    // 127 ns to 4.2 ms.
    {.name = "inference_seconds",
     .kind = MetricKind::histogram,
     .help = "Time of one inference.",
     .members = {histogram<&M::inference_ns>(7, 22)},
     .unit = CounterUnit::nanoseconds},
};

template <typename Owner>
void add_to(Owner& sums, const Owner& other) noexcept {
  for_each_member<Owner>([&](const auto&, const CounterMember<Owner>& member) {
    const auto from = member.read(other);
    const auto to = member.write(sums);
    for (size_t i = 0; i < to.size(); ++i) to[i].add(from[i].get());
  });
}

}  // namespace

template <>
std::span<const CounterRow<PortCounters>> counter_table() noexcept {
  return kPortTable;
}
template <>
std::span<const CounterRow<WorkerCounters>> counter_table() noexcept {
  return kWorkerTable;
}
template <>
std::span<const CounterRow<ModelCounters>> counter_table() noexcept {
  return kModelTable;
}

void WorkerCounters::add(const WorkerCounters& other) noexcept {
  add_to<WorkerCounters>(*this, other);
  for (size_t i = 0; i < ports.size(); ++i) add_to(ports[i], other.ports[i]);
  for (size_t i = 0; i < models.size(); ++i) add_to(models[i], other.models[i]);
}

void ModelCounters::reset() noexcept {
  for_each_member<ModelCounters>([this](const auto&, const CounterMember<ModelCounters>& member) {
    for (Counter& cell : member.write(*this)) cell.set(0);
  });
}

}  // namespace flowmark
