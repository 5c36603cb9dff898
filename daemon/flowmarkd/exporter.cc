// The only file that knows prometheus-cpp.
#include "daemon/flowmarkd/exporter.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mark/dscp.h"

#ifndef FLOWMARK_VERSION
#define FLOWMARK_VERSION "0.1.0"
#endif

namespace flowmark {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

ClientMetric labelled(const Labels& labels) {
  ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

/// Collects families; a reference to one is valid until the next is opened.
class Page {
 public:
  class Family {
   public:
    Family(MetricFamily& family) : family_(family) {}
    Family& add(const Labels& labels, double value) {
      ClientMetric metric = labelled(labels);
      (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
      family_.metric.push_back(std::move(metric));
      return *this;
    }
    Family& add(const Labels& labels, uint64_t value) {
      return add(labels, static_cast<double>(value));
    }
    void add(ClientMetric metric) { family_.metric.push_back(std::move(metric)); }

   private:
    MetricFamily& family_;
  };

  Family counter(const char* name, const char* help) {
    return open(name, help, MetricType::Counter);
  }
  Family gauge(const char* name, const char* help) { return open(name, help, MetricType::Gauge); }
  Family histogram(const char* name, const char* help) {
    return open(name, help, MetricType::Histogram);
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  Family open(const char* name, const char* help, MetricType type) {
    MetricFamily& family = families_.emplace_back();
    family.name = std::string("flowmark_") + name;
    family.help = help;
    family.type = type;
    return family;
  }
  std::vector<MetricFamily> families_;
};

/// A power-of-two histogram of all workers; buckets `first` to `last` are shown, bounds and sum
/// divided by `unit`.
template <typename Member>
ClientMetric histogram_of(const WorkerCountersList& workers, size_t slot, Member member,
                          const Labels& labels, size_t first, size_t last, double unit) {
  ClientMetric metric = labelled(labels);
  auto& out = metric.histogram;
  uint64_t sum = 0, count = 0;
  using Histogram = std::remove_cvref_t<decltype(workers[0]->models[slot].*member)>;
  for (size_t i = 0; i < Histogram::size(); ++i) {
    for (const auto& worker : workers) count += (worker->models[slot].*member).bucket(i);
    if (i < first || i > last || i + 1 == Histogram::size()) continue;
    ClientMetric::Bucket bucket;
    bucket.cumulative_count = count;
    bucket.upper_bound = static_cast<double>(Histogram::upper_bound(i)) / unit;
    out.bucket.push_back(bucket);
  }
  for (const auto& worker : workers) sum += (worker->models[slot].*member).sum();
  ClientMetric::Bucket all;
  all.cumulative_count = count;
  all.upper_bound = std::numeric_limits<double>::infinity();
  out.bucket.push_back(all);
  out.sample_count = count;
  out.sample_sum = static_cast<double>(sum) / unit;
  return metric;
}

void packets(Page& page, const Totals& totals, const std::vector<PortReport>& ports) {
  auto packets = page.counter("packets_total", "Packets received from and sent to the ports.");
  for (size_t p = 0; p < ports.size() && p < kMaxPorts; ++p) {
    packets.add({{"port", ports[p].name}, {"direction", "rx"}}, totals.ports[p].rx_packets);
    packets.add({{"port", ports[p].name}, {"direction", "tx"}}, totals.ports[p].tx_packets);
  }
  auto bytes = page.counter("bytes_total", "Bytes of these packets, link headers included.");
  for (size_t p = 0; p < ports.size() && p < kMaxPorts; ++p) {
    bytes.add({{"port", ports[p].name}, {"direction", "rx"}}, totals.ports[p].rx_bytes);
    bytes.add({{"port", ports[p].name}, {"direction", "tx"}}, totals.ports[p].tx_bytes);
  }
  auto missed = page.counter("port_missed_packets_total",
                             "Packets the port lost before a worker took them, by reason.");
  for (const PortReport& port : ports) {
    missed.add({{"port", port.name}, {"reason", "missed"}}, port.missed);
    missed.add({{"port", port.name}, {"reason", "rx_error"}}, port.rx_errors);
    missed.add({{"port", port.name}, {"reason", "tx_error"}}, port.tx_errors);
    missed.add({{"port", port.name}, {"reason", "no_memory"}}, port.rx_no_memory);
  }
  auto dropped = page.counter("dropped_packets_total", "Packets received but not sent, by reason.");
  for (size_t i = 0; i < totals.dropped.size(); ++i) {
    dropped.add({{"reason", to_string(static_cast<Drop>(i))}}, totals.dropped[i]);
  }
  auto bypassed =
      page.counter("bypassed_packets_total", "Packets forwarded unclassified, by reason.");
  for (size_t i = 0; i < totals.bypassed.size(); ++i) {
    bypassed.add({{"reason", to_string(static_cast<Bypass>(i))}}, totals.bypassed[i]);
  }
  auto marked = page.counter("marked_packets_total", "Packets given this DSCP.");
  for (size_t i = 0; i < totals.marked.size(); ++i) {
    if (totals.marked[i] != 0) {
      marked.add({{"dscp", dscp_name(static_cast<Dscp>(i))}}, totals.marked[i]);
    }
  }
  auto skipped = page.counter("unmarked_packets_total",
                              "Packets of flows with a verdict that were not marked, by reason.");
  for (size_t i = 0; i < totals.mark_skipped.size(); ++i) {
    skipped.add({{"reason", to_string(static_cast<MarkSkip>(i))}}, totals.mark_skipped[i]);
  }
}

void flows(Page& page, const Totals& totals, const Exporter::Sources& sources) {
  page.gauge("flows", "Flows in the tables now.").add({}, totals.table_entries);
  page.gauge("flow_capacity", "Flows the tables have room for.").add({}, sources.table_capacity);
  page.gauge("window_memory_used_bytes", "Memory of the flows' windows in use.")
      .add({}, totals.pool_used_bytes);
  page.gauge("window_memory_bytes", "Memory reserved for the flows' windows.")
      .add({}, sources.window_memory_bytes);
  page.counter("flows_started_total", "Flows that entered a table.").add({}, totals.flows_inserted);
  page.counter("flows_ended_total", "Flows that left a table, by reason.")
      .add({{"reason", "expired"}}, totals.flows_expired)
      .add({{"reason", "evicted"}}, totals.flows_evicted);
  page.counter("picture_overflows_total", "Packets left out of a full picture.")
      .add({}, totals.picture_overflows);
  page.counter("windows_given_up_total",
               "Idle flows that gave up their windows when memory ran short.")
      .add({}, totals.windows_given_up);
}

void workers(Page& page, const Exporter::Sources& sources) {
  const auto each = [&](Page::Family family, auto value) {
    for (size_t w = 0; w < sources.workers.size(); ++w) {
      family.add({{"worker", std::to_string(w)}}, value(*sources.workers[w]));
    }
  };
  auto time = page.counter("worker_seconds_total", "Time of the workers, busy or idle.");
  for (size_t w = 0; w < sources.workers.size(); ++w) {
    const WorkerCounters& counters = *sources.workers[w];
    const auto seconds = [&](const Counter& cycles) {
      return static_cast<double>(cycles.get()) / sources.cycles_per_second;
    };
    const std::string name = std::to_string(w);
    time.add({{"worker", name}, {"state", "busy"}}, seconds(counters.busy_cycles));
    time.add({{"worker", name}, {"state", "idle"}}, seconds(counters.idle_cycles));
  }
  each(page.counter("worker_bursts_total", "Bursts of packets taken."),
       [](const WorkerCounters& c) { return c.bursts.get(); });
  each(page.counter("worker_packets_total", "Packets handed to the classifier."),
       [](const WorkerCounters& c) { return c.packets.get(); });
  each(page.counter("inference_slices_total", "Slices of inference between bursts."),
       [](const WorkerCounters& c) { return c.inference_slices.get(); });
  each(page.gauge("inference_backlog", "Windows waiting for inference."),
       [](const WorkerCounters& c) { return c.inference_backlog.get(); });
  each(page.counter("inference_slices_over_total",
                    "Slices that took over 2 microseconds more than their budget."),
       [](const WorkerCounters& c) { return c.inference_slices_over.get(); });
  each(page.gauge("inference_ladder_step",
                  "How far inference has stepped down: 0 all, 1 no_refinement, 2 cheapest, "
                  "3 keep_marks."),
       [](const WorkerCounters& c) { return c.inference_ladder.get(); });
  const auto by_step = [&](Page::Family family, auto member) {
    for (size_t w = 0; w < sources.workers.size(); ++w) {
      for (size_t step = 1; step < static_cast<size_t>(LadderStep::count_); ++step) {
        family.add(
            {{"worker", std::to_string(w)}, {"step", to_string(static_cast<LadderStep>(step))}},
            ((*sources.workers[w]).*member)[step].get());
      }
    }
  };
  by_step(page.counter("inference_ladder_entered_total", "Times inference stepped down to this."),
          &WorkerCounters::ladder_entered);
  by_step(page.counter("inference_left_out_total", "Due windows left out, by step of the ladder."),
          &WorkerCounters::left_out);
  each(page.counter("verdict_events_lost_total", "Verdict events the control thread missed."),
       [](const WorkerCounters& c) { return c.verdict_events_lost.get(); });
}

/// Bounds at powers of two from a microsecond to 17 ms.
void delays(Page& page, const Exporter::Sources& sources) {
  constexpr uint32_t kFirstBits = 10, kLastBits = 24;
  constexpr double kNsPerSecond = 1e9;
  auto family = page.histogram("delay_seconds",
                               "From the poll before a burst's to its transmission, sampled: the "
                               "longest its packets can have waited.");
  for (size_t w = 0; w < sources.workers.size(); ++w) {
    const LatencyHistogram& delay = sources.workers[w]->delay_ns;
    ClientMetric metric = labelled({{"worker", std::to_string(w)}});
    for (uint32_t bits = kFirstBits; bits <= kLastBits; ++bits) {
      metric.histogram.bucket.push_back(
          {delay.count_below_power(bits), static_cast<double>(uint64_t{1} << bits) / kNsPerSecond});
    }
    const uint64_t count = delay.count();
    metric.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = static_cast<double>(delay.sum()) / kNsPerSecond;
    family.add(std::move(metric));
  }
}

void verdicts(Page& page, const Totals& totals, const ModelSet& set) {
  using ByClass = std::array<uint64_t, kMaxClasses> Totals::Model::*;
  const auto by_class = [&](Page::Family family, ByClass member) {
    for (size_t m = 0; m < set.models().size(); ++m) {
      const ActiveModel& model = set.models()[m];
      for (size_t c = 0; c < model.model->classes.size() && c < kMaxClasses; ++c) {
        family.add({{"model", model.name}, {"class", model.model->classes[c]}},
                   (totals.models[m].*member)[c]);
      }
    }
  };
  by_class(page.counter("verdicts_total", "Verdicts given, by model and class."),
           &Totals::Model::verdicts);
  by_class(page.gauge("class_flows", "Flows that carry the verdict now."),
           &Totals::Model::flows_now);
  by_class(page.counter("class_packets_total", "Packets of flows that carried the verdict."),
           &Totals::Model::packets);
  by_class(page.counter("class_bytes_total", "IP bytes of flows that carried the verdict."),
           &Totals::Model::bytes);
  using Plain = uint64_t Totals::Model::*;
  const auto by_model = [&](Page::Family family, Plain member) {
    for (size_t m = 0; m < set.models().size(); ++m) {
      family.add({{"model", set.models()[m].name}}, totals.models[m].*member);
    }
  };
  by_model(page.counter("provisional_verdicts_total", "Verdicts given before the window was full."),
           &Totals::Model::provisional);
  by_model(page.counter("verdict_changes_total", "Verdicts that replaced another one."),
           &Totals::Model::changes);
  by_model(page.counter("abstentions_total", "Answers below the confidence asked for."),
           &Totals::Model::abstentions);
  by_model(page.counter("inferences_total", "Windows a model answered."),
           &Totals::Model::inferences);
}

void histograms(Page& page, const WorkerCountersList& list, const ModelSet& set) {
  constexpr double kPermille = 1000, kMsPerSecond = 1000, kNsPerSecond = 1e9;
  const auto each = [&](Page::Family family, auto member, size_t first, size_t last, double unit) {
    for (size_t m = 0; m < set.models().size(); ++m) {
      family.add(
          histogram_of(list, m, member, {{"model", set.models()[m].name}}, first, last, unit));
    }
  };
  each(page.histogram("verdict_confidence", "Confidence of verdicts, 0 to 1."),
       &ModelCounters::confidence_permille, 5, 18, kPermille);
  each(
      page.histogram("time_to_verdict_seconds", "From a flow's first packet to its first verdict."),
      &ModelCounters::time_to_verdict_ms, 0, 20, kMsPerSecond);
  each(page.histogram("inference_seconds", "Time of one inference."), &ModelCounters::inference_ns,
       7, 23, kNsPerSecond);
}

/// The share of each class in the data a model was tested on: `class_shares` of its card.
void drift(Page& page, const Totals& totals, const ModelSet& set) {
  auto seen = page.gauge("class_share", "Share of each class among a model's verdicts.");
  for (size_t m = 0; m < set.models().size(); ++m) {
    uint64_t all = 0;
    for (const uint64_t count : totals.models[m].verdicts) all += count;
    if (all == 0) continue;
    const auto& classes = set.models()[m].model->classes;
    for (size_t c = 0; c < classes.size() && c < kMaxClasses; ++c) {
      seen.add({{"model", set.models()[m].name}, {"class", classes[c]}},
               static_cast<double>(totals.models[m].verdicts[c]) / static_cast<double>(all));
    }
  }
  auto expected = page.gauge("class_share_expected", "The same according to the model's card.");
  for (const ActiveModel& model : set.models()) {
    const auto card = nlohmann::json::parse(model.model->card, nullptr, false);
    if (!card.is_object() || !card.contains("class_shares")) continue;
    for (const auto& [name, share] : card["class_shares"].items()) {
      if (share.is_number()) {
        expected.add({{"model", model.name}, {"class", name}}, share.get<double>());
      }
    }
  }
}

void models(Page& page, const Reloader& reloader, const ModelSet& set) {
  auto reloads = page.counter("reloads_total", "Reloads of models or configuration, by outcome.");
  for (size_t i = 0; i < static_cast<size_t>(ReloadOutcome::count_); ++i) {
    const auto outcome = static_cast<ReloadOutcome>(i);
    reloads.add({{"outcome", to_string(outcome)}}, reloader.count(outcome));
  }
  page.gauge("model_generation", "Number of the running model set.").add({}, set.generation());
  auto info = page.gauge("model_info", "The running models; the value is 1.");
  for (const ActiveModel& model : set.models()) {
    info.add({{"model", model.name},
              {"task", model.model->task},
              {"kind", model.model->engine ? model.model->engine->kind() : ""},
              {"precision", model.model->engine ? to_string(model.model->engine->precision()) : ""},
              {"sha256", model.model->sha256},
              {"path", model.model->path}},
             1.0);
  }
  page.gauge("build_info", "The running flowmarkd; the value is 1.")
      .add({{"version", FLOWMARK_VERSION}}, 1.0);
}

}  // namespace

struct Exporter::Impl final : prometheus::Collectable {
  explicit Impl(Sources from) : sources(std::move(from)) {}

  std::vector<MetricFamily> Collect() const override {
    const Totals totals = add_up(sources.workers);
    const auto set = sources.reloader.current();
    Page page;
    packets(page, totals, sources.ports());
    flows(page, totals, sources);
    workers(page, sources);
    delays(page, sources);
    verdicts(page, totals, *set);
    histograms(page, sources.workers, *set);
    drift(page, totals, *set);
    models(page, sources.reloader, *set);
    return page.take();
  }

  Sources sources;
  std::unique_ptr<prometheus::Exposer> exposer;
};

Exporter::Exporter(Sources sources) : impl_(std::make_shared<Impl>(std::move(sources))) {}
// The server first: its threads may be collecting.
Exporter::~Exporter() {
  impl_->exposer.reset();
}

void Exporter::listen(const std::string& listen) {
  try {
    impl_->exposer = std::make_unique<prometheus::Exposer>(listen, 1);
    impl_->exposer->RegisterCollectable(impl_);
  } catch (const std::exception& error) {
    fail("metrics.listen: value {}: cannot listen there: {}", listen, error.what());
  }
}

std::string Exporter::text() const {
  return prometheus::TextSerializer().Serialize(impl_->Collect());
}

}  // namespace flowmark
