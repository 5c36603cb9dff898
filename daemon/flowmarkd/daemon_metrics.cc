// The metrics that no worker counts: ports' own counters, sizes, shares of classes, models.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/flowmarkd/metrics_page.h"
#include "mark/dscp.h"

namespace flowmark {
namespace {

/// Places a metric behind the one it belongs with.
void insert_after(std::vector<Metric>& page, std::string_view name, Metric metric) {
  const auto place = std::ranges::find(page, name, &Metric::name);
  page.insert(place == page.end() ? place : place + 1, std::move(metric));
}

Metric gauge(std::string name, std::string help) {
  return {std::move(name), MetricKind::gauge, std::move(help), {}};
}

Metric counter(std::string name, std::string help) {
  return {std::move(name), MetricKind::counter, std::move(help), {}};
}

Metric port_losses(const std::vector<PortReport>& ports) {
  Metric missed = counter("port_missed_packets_total",
                          "Packets lost at the port, outside of the workers, by reason.");
  for (const PortReport& port : ports) {
    missed.add({{"port", port.name}, {"reason", "missed"}}, port.missed);
    missed.add({{"port", port.name}, {"reason", "rx_error"}}, port.rx_errors);
    missed.add({{"port", port.name}, {"reason", "tx_error"}}, port.tx_errors);
    missed.add({{"port", port.name}, {"reason", "no_memory"}}, port.rx_no_memory);
    missed.add({{"port", port.name}, {"reason", "tx_dropped"}}, port.tx_dropped);
  }
  return missed;
}

Metric dscp_changes(const Totals& totals, const std::vector<PortReport>& ports) {
  Metric changes =
      counter("dscp_packets_total", "Packets by the DSCP they came with and the one they got.");
  for (size_t p = 0; p < ports.size() && p < kMaxPorts; ++p) {
    for (size_t cell = 0; cell < totals.ports[p].dscp_changes.size(); ++cell) {
      const uint64_t packets = totals.ports[p].dscp_changes[cell].get();
      if (packets == 0) continue;
      changes.add({{"port", ports[p].name},
                   {"received", dscp_name(static_cast<Dscp>(cell / kDscps))},
                   {"sent", dscp_name(static_cast<Dscp>(cell % kDscps))}},
                  packets);
    }
  }
  return changes;
}

Metric links(const std::vector<PortReport>& ports) {
  Metric up = gauge("port_up", "Whether the port's link is up.");
  for (const PortReport& port : ports) {
    up.add({{"port", port.name}}, port.link == LinkState::up ? 1.0 : 0.0);
  }
  return up;
}

Metric class_shares(const Totals& totals, const ModelSet& set) {
  Metric seen = gauge("class_share", "Share of each class among a model's verdicts.");
  for (size_t m = 0; m < set.models().size(); ++m) {
    const auto& verdicts = totals.models[m].verdicts;
    uint64_t all = 0;
    for (const Counter& count : verdicts) all += count.get();
    if (all == 0) continue;
    const auto& classes = set.models()[m].model->classes;
    for (size_t c = 0; c < classes.size() && c < kMaxClasses; ++c) {
      seen.add({{"model", set.models()[m].name}, {"class", classes[c]}},
               static_cast<double>(verdicts[c].get()) / static_cast<double>(all));
    }
  }
  return seen;
}

/// The shares in the data a model was tested on: `class_shares` of its card.
Metric expected_class_shares(const ModelSet& set) {
  Metric expected = gauge("class_share_expected", "The same according to the model's card.");
  for (const ActiveModel& model : set.models()) {
    const auto card = nlohmann::json::parse(model.model->card, nullptr, false);
    if (!card.is_object() || !card.contains("class_shares")) continue;
    for (const auto& [name, share] : card["class_shares"].items()) {
      if (share.is_number()) {
        expected.add({{"model", model.name}, {"class", name}}, share.get<double>());
      }
    }
  }
  return expected;
}

Metric reloads(const Reloader& reloader) {
  Metric metric = counter("reloads_total", "Reloads of models or configuration, by outcome.");
  for (size_t i = 0; i < static_cast<size_t>(ReloadOutcome::count_); ++i) {
    const auto outcome = static_cast<ReloadOutcome>(i);
    metric.add({{"outcome", to_string(outcome)}}, reloader.count(outcome));
  }
  return metric;
}

Metric model_info(const ModelSet& set) {
  Metric info = gauge("model_info", "The running models; the value is 1.");
  for (const ActiveModel& model : set.models()) {
    info.add({{"model", model.name},
              {"task", model.model->task},
              {"kind", model.model->engine ? model.model->engine->kind() : ""},
              {"precision", model.model->engine ? to_string(model.model->engine->precision()) : ""},
              {"sha256", model.model->sha256},
              {"path", model.model->path}},
             1.0);
  }
  return info;
}

Metric group_bytes(const Totals& totals, const std::vector<std::string>& groups) {
  Metric bytes = counter("group_bytes_total", "IP bytes of the flows of a group's hosts.");
  for (size_t g = 0; g < groups.size() && g < kMaxHostGroups; ++g) {
    bytes.add({{"group", groups[g]}, {"direction", "up"}}, totals.group_bytes_up[g].get());
    bytes.add({{"group", groups[g]}, {"direction", "down"}}, totals.group_bytes_down[g].get());
  }
  return bytes;
}

Metric group_class_bytes(const Totals& totals, const std::vector<std::string>& groups,
                         const ModelSet& set) {
  Metric bytes =
      counter("group_class_bytes_total", "IP bytes of a group's flows that carried the verdict.");
  for (size_t g = 0; g < groups.size() && g < kMaxHostGroups; ++g) {
    for (size_t m = 0; m < set.models().size(); ++m) {
      const auto& classes = set.models()[m].model->classes;
      for (size_t c = 0; c < classes.size() && c < kMaxClasses; ++c) {
        bytes.add({{"group", groups[g]}, {"model", set.models()[m].name}, {"class", classes[c]}},
                  totals.models[m].group_bytes[g * kMaxClasses + c].get());
      }
    }
  }
  return bytes;
}

/// All at zero without a stream.
void append_stream(std::vector<Metric>& page, const StreamCounts* counts) {
  static const StreamCounts none;
  const StreamCounts& now = counts != nullptr ? *counts : none;
  page.push_back(gauge("stream_readers", "Readers of the verdict stream's socket.")
                     .add({}, now.readers.load()));
  page.push_back(gauge("stream_flows", "Flows of which a new reader of the stream is told.")
                     .add({}, now.flows.load()));
  page.push_back(counter("stream_lines_total", "Lines of the verdict stream, without snapshots.")
                     .add({}, now.lines.load()));
  page.push_back(counter("stream_lost_total", "What the verdict stream lost, by reason.")
                     .add({{"reason", "slow_reader"}}, now.lost_to_readers.load())
                     .add({{"reason", "slow_file"}}, now.lost_to_file.load())
                     .add({{"reason", "table_full"}}, now.not_kept.load())
                     .add({{"reason", "end_missed"}}, now.silent.load()));
}

}  // namespace

void insert_daemon_metrics(std::vector<Metric>& page, const Scrape& scrape) {
  const Exporter::Sources& sources = scrape.sources;
  const ModelSet& set = *scrape.models;
  insert_after(page, "marked_packets_total", dscp_changes(scrape.totals, scrape.ports));
  insert_after(page, "bytes_total", links(scrape.ports));
  insert_after(page, "bytes_total", port_losses(scrape.ports));
  insert_after(
      page, "flows",
      gauge("flow_capacity", "Flows the tables have room for.").add({}, sources.table_capacity));
  insert_after(page, "window_memory_used_bytes",
               gauge("window_memory_bytes", "Memory reserved for the flows' windows.")
                   .add({}, sources.window_memory_bytes));
  page.push_back(class_shares(scrape.totals, set));
  page.push_back(expected_class_shares(set));
  page.push_back(group_bytes(scrape.totals, sources.host_groups));
  page.push_back(group_class_bytes(scrape.totals, sources.host_groups, set));
  append_stream(page, sources.stream);
  page.push_back(reloads(sources.reloader));
  page.push_back(
      gauge("model_generation", "Number of the running model set.").add({}, set.generation()));
  page.push_back(model_info(set));
  page.push_back(gauge("build_info", "The running flowmarkd; the value is 1.")
                     .add({{"version", FLOWMARK_VERSION}}, 1.0));
}

}  // namespace flowmark
