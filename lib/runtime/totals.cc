#include "runtime/totals.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mark/dscp.h"

namespace flowmark {
namespace {

template <size_t N>
void add(std::array<uint64_t, N>& sums, const std::array<Counter, N>& counters) {
  for (size_t i = 0; i < N; ++i) sums[i] += counters[i].get();
}

template <size_t N>
uint64_t sum(const std::array<uint64_t, N>& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

/// The numbers that are not zero, by name.
template <typename Name, size_t N>
nlohmann::ordered_json by_name(const std::array<uint64_t, N>& values, Name name) {
  auto out = nlohmann::ordered_json::object();
  for (size_t i = 0; i < N; ++i) {
    if (values[i] != 0) out[name(i)] = values[i];
  }
  return out;
}

std::string bypass_name(size_t i) {
  return to_string(static_cast<Bypass>(i));
}
std::string drop_name(size_t i) {
  return to_string(static_cast<Drop>(i));
}
std::string skip_name(size_t i) {
  return to_string(static_cast<MarkSkip>(i));
}
std::string step_name(size_t i) {
  return to_string(static_cast<LadderStep>(i));
}
std::string mark_name(size_t i) {
  return dscp_name(static_cast<Dscp>(i));
}

nlohmann::ordered_json model_json(const ActiveModel& model, const Totals::Model& totals) {
  auto classes = nlohmann::ordered_json::array();
  for (size_t c = 0; c < model.model->classes.size() && c < kMaxClasses; ++c) {
    classes.push_back({{"class", model.model->classes[c]},
                       {"verdicts", totals.verdicts[c]},
                       {"flows_now", totals.flows_now[c]},
                       {"packets", totals.packets[c]},
                       {"bytes", totals.bytes[c]}});
  }
  return {{"name", model.name},
          {"task", model.model->task},
          {"path", model.model->path},
          {"sha256", model.model->sha256},
          {"inferences", totals.inferences},
          {"provisional", totals.provisional},
          {"changes", totals.changes},
          {"abstentions", totals.abstentions},
          {"classes", classes}};
}

}  // namespace

uint64_t Totals::received() const noexcept {
  uint64_t count = 0;
  for (const Port& port : ports) count += port.rx_packets;
  return count;
}

uint64_t Totals::transmitted() const noexcept {
  uint64_t count = 0;
  for (const Port& port : ports) count += port.tx_packets;
  return count;
}

uint64_t Totals::all_dropped() const noexcept {
  return sum(dropped);
}
uint64_t Totals::all_marked() const noexcept {
  return sum(marked);
}

Totals add_up(const WorkerCountersList& workers) {
  Totals out;
  for (const auto& worker : workers) {
    for (size_t p = 0; p < kMaxPorts; ++p) {
      out.ports[p].rx_packets += worker->ports[p].rx_packets.get();
      out.ports[p].rx_bytes += worker->ports[p].rx_bytes.get();
      out.ports[p].tx_packets += worker->ports[p].tx_packets.get();
      out.ports[p].tx_bytes += worker->ports[p].tx_bytes.get();
    }
    add(out.bypassed, worker->bypassed);
    add(out.dropped, worker->dropped);
    add(out.mark_skipped, worker->mark_skipped);
    add(out.marked, worker->marked);
    out.packets += worker->packets.get();
    out.bytes += worker->bytes.get();
    out.flows_inserted += worker->flows_inserted.get();
    out.flows_expired += worker->flows_expired.get();
    out.flows_evicted += worker->flows_evicted.get();
    out.table_entries += worker->table_entries.get();
    out.pool_used_bytes += worker->pool_used_bytes.get();
    out.picture_overflows += worker->picture_overflows.get();
    out.windows_given_up += worker->windows_given_up.get();
    out.inference_slices += worker->inference_slices.get();
    out.inference_backlog += worker->inference_backlog.get();
    add(out.left_out, worker->left_out);
    out.verdict_events_lost += worker->verdict_events_lost.get();
    for (size_t m = 0; m < kMaxModels; ++m) {
      const ModelCounters& from = worker->models[m];
      Totals::Model& to = out.models[m];
      add(to.verdicts, from.verdicts);
      add(to.flows_now, from.flows_now);
      add(to.packets, from.packets);
      add(to.bytes, from.bytes);
      to.provisional += from.provisional.get();
      to.changes += from.changes.get();
      to.abstentions += from.abstentions.get();
      to.inferences += from.inferences.get();
    }
  }
  return out;
}

nlohmann::ordered_json summary_json(const Totals& totals, const ModelSet& models, bool sends) {
  nlohmann::ordered_json out;
  out["received"] = totals.received();
  if (sends) {
    out["forwarded"] = totals.transmitted();
    out["dropped"] = totals.all_dropped();
    out["dropped_by_reason"] = by_name(totals.dropped, drop_name);
  }
  auto ports = nlohmann::ordered_json::array();
  for (const Totals::Port& port : totals.ports) {
    ports.push_back({{"rx_packets", port.rx_packets},
                     {"rx_bytes", port.rx_bytes},
                     {"tx_packets", port.tx_packets},
                     {"tx_bytes", port.tx_bytes}});
  }
  out["ports"] = ports;
  out["unclassified_by_reason"] = by_name(totals.bypassed, bypass_name);
  out["flows"] = {{"started", totals.flows_inserted},
                  {"now", totals.table_entries},
                  {"expired", totals.flows_expired},
                  {"evicted", totals.flows_evicted}};
  out["marked"] = totals.all_marked();
  out["marked_by_dscp"] = by_name(totals.marked, mark_name);
  out["not_marked_by_reason"] = by_name(totals.mark_skipped, skip_name);
  out["inference"] = {{"backlog", totals.inference_backlog},
                      {"left_out_by_step", by_name(totals.left_out, step_name)}};
  out["verdict_events_lost"] = totals.verdict_events_lost;
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
  const auto reasons = [&row](const auto& values, auto name) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0) row("  " + name(i), values[i]);
    }
  };
  fmt::format_to(to, "packets\n");
  row("received", totals.received());
  if (sends) {
    row("forwarded", totals.transmitted());
    row("dropped", totals.all_dropped());
    reasons(totals.dropped, drop_name);
  }
  row("forwarded unclassified", sum(totals.bypassed));
  reasons(totals.bypassed, bypass_name);
  row("marked", totals.all_marked());
  reasons(totals.marked, mark_name);
  row("with a verdict, not marked", sum(totals.mark_skipped));
  reasons(totals.mark_skipped, skip_name);
  fmt::format_to(to, "flows\n");
  row("started", totals.flows_inserted);
  row("evicted from a full table", totals.flows_evicted);
  row("gave up their windows", totals.windows_given_up);
  for (size_t m = 0; m < models.models().size(); ++m) {
    const ActiveModel& model = models.models()[m];
    const Totals::Model& counts = totals.models[m];
    fmt::format_to(to, "verdicts of {} ({})\n", model.name, model.model->task);
    for (size_t c = 0; c < model.model->classes.size() && c < kMaxClasses; ++c) {
      if (counts.verdicts[c] != 0) row(model.model->classes[c], counts.verdicts[c]);
    }
    row("changed later", counts.changes);
    row("abstentions", counts.abstentions);
    row("inferences", counts.inferences);
  }
  return text;
}

}  // namespace flowmark
