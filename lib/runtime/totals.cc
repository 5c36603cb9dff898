#include "runtime/totals.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "mark/dscp.h"
#include "telemetry/counter_table.h"

namespace flowmark {
namespace {

template <size_t N>
uint64_t sum(const std::array<Counter, N>& counters) {
  uint64_t all = 0;
  for (const Counter& counter : counters) all += counter.get();
  return all;
}

/// The numbers that are not zero, by name.
template <typename Name, size_t N>
nlohmann::ordered_json by_name(const std::array<Counter, N>& counters, Name name) {
  auto out = nlohmann::ordered_json::object();
  for (size_t i = 0; i < N; ++i) {
    if (counters[i].get() != 0) out[name(i)] = counters[i].get();
  }
  return out;
}

std::string mark_name(size_t i) {
  return dscp_name(static_cast<Dscp>(i));
}

nlohmann::ordered_json model_json(const ActiveModel& model, const ModelCounters& totals) {
  auto classes = nlohmann::ordered_json::array();
  for (size_t c = 0; c < model.model->classes.size() && c < kMaxClasses; ++c) {
    classes.push_back({{"class", model.model->classes[c]},
                       {"verdicts", totals.verdicts[c].get()},
                       {"flows_now", totals.flows_now[c].get()},
                       {"packets", totals.packets[c].get()},
                       {"bytes", totals.bytes[c].get()}});
  }
  return {{"name", model.name},
          {"task", model.model->task},
          {"path", model.model->path},
          {"sha256", model.model->sha256},
          {"inferences", totals.inferences.get()},
          {"provisional", totals.provisional.get()},
          {"changes", totals.changes.get()},
          {"abstentions", totals.abstentions.get()},
          {"classes", classes}};
}

}  // namespace

Totals::Totals(const WorkerCountersList& workers) noexcept {
  for (const auto& worker : workers) add(*worker);
}

uint64_t Totals::received() const noexcept {
  uint64_t count = 0;
  for (const PortCounters& port : ports) count += port.rx_packets.get();
  return count;
}

uint64_t Totals::transmitted() const noexcept {
  uint64_t count = 0;
  for (const PortCounters& port : ports) count += port.tx_packets.get();
  return count;
}

uint64_t Totals::all_dropped() const noexcept {
  return sum(dropped);
}
uint64_t Totals::all_marked() const noexcept {
  return sum(marked);
}

nlohmann::ordered_json summary_json(const Totals& totals, const ModelSet& models, bool sends) {
  nlohmann::ordered_json out;
  out["received"] = totals.received();
  if (sends) {
    out["forwarded"] = totals.transmitted();
    out["dropped"] = totals.all_dropped();
    out["dropped_by_reason"] = by_name(totals.dropped, cell_name<Drop>);
  }
  auto ports = nlohmann::ordered_json::array();
  for (const PortCounters& port : totals.ports) {
    ports.push_back({{"rx_packets", port.rx_packets.get()},
                     {"rx_bytes", port.rx_bytes.get()},
                     {"tx_packets", port.tx_packets.get()},
                     {"tx_bytes", port.tx_bytes.get()}});
  }
  out["ports"] = ports;
  out["unclassified_by_reason"] = by_name(totals.bypassed, cell_name<Bypass>);
  out["flows"] = {{"started", totals.flows_inserted.get()},
                  {"now", totals.table_entries.get()},
                  {"expired", totals.flows_expired.get()},
                  {"evicted", totals.flows_evicted.get()}};
  out["marked"] = totals.all_marked();
  out["marked_by_dscp"] = by_name(totals.marked, mark_name);
  out["not_marked_by_reason"] = by_name(totals.mark_skipped, cell_name<MarkSkip>);
  out["inference"] = {{"backlog", totals.inference_backlog.get()},
                      {"left_out_by_step", by_name(totals.left_out, cell_name<LadderStep>)}};
  out["verdict_events_lost"] = totals.verdict_events_lost.get();
  auto list = nlohmann::ordered_json::array();
  for (size_t m = 0; m < models.models().size(); ++m) {
    list.push_back(model_json(models.models()[m], totals.models[m]));
  }
  out["models"] = list;
  return out;
}

std::string summary_text(const Totals& totals, const ModelSet& models, bool sends) {
  std::string text;
  const auto to = std::back_inserter(text);
  const auto row = [to](const std::string& name, uint64_t value) {
    fmt::format_to(to, "  {:<34}{:>14}\n", name, value);
  };
  const auto reasons = [&row](const auto& counters, auto name) {
    for (size_t i = 0; i < counters.size(); ++i) {
      const uint64_t value = counters[i].get();
      if (value != 0) row(std::string("  ") + name(i), value);
    }
  };
  fmt::format_to(to, "packets\n");
  row("received", totals.received());
  if (sends) {
    row("forwarded", totals.transmitted());
    row("dropped", totals.all_dropped());
    reasons(totals.dropped, cell_name<Drop>);
  }
  row("forwarded unclassified", sum(totals.bypassed));
  reasons(totals.bypassed, cell_name<Bypass>);
  row("marked", totals.all_marked());
  reasons(totals.marked, mark_name);
  row("with a verdict, not marked", sum(totals.mark_skipped));
  reasons(totals.mark_skipped, cell_name<MarkSkip>);
  fmt::format_to(to, "flows\n");
  row("started", totals.flows_inserted.get());
  row("evicted from a full table", totals.flows_evicted.get());
  row("gave up their windows", totals.windows_given_up.get());
  for (size_t m = 0; m < models.models().size(); ++m) {
    const ActiveModel& model = models.models()[m];
    const ModelCounters& counts = totals.models[m];
    fmt::format_to(to, "verdicts of {} ({})\n", model.name, model.model->task);
    for (size_t c = 0; c < model.model->classes.size() && c < kMaxClasses; ++c) {
      const uint64_t verdicts = counts.verdicts[c].get();
      if (verdicts != 0) row(model.model->classes[c], verdicts);
    }
    row("changed later", counts.changes.get());
    row("abstentions", counts.abstentions.get());
    row("inferences", counts.inferences.get());
  }
  return text;
}

}  // namespace flowmark
