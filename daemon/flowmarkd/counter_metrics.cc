// From the table of counters to the metrics page.
#include <algorithm>
#include <limits>

#include "daemon/flowmarkd/metrics_page.h"
#include "mark/dscp.h"

namespace flowmark {
namespace {

/// A port, a worker, a model, or all workers together.
template <typename Owner>
struct Instance {
  MetricLabels labels;
  const Owner& counters;
  /// Of the cells for which the table has no names; cells without a name are not shown.
  std::vector<std::string> cell_names;
};

double per_base_unit(CounterUnit unit, double cycles_per_second) {
  switch (unit) {
    case CounterUnit::one:
      return 1;
    case CounterUnit::permille:
    case CounterUnit::milliseconds:
      return 1000;
    case CounterUnit::nanoseconds:
      return 1e9;
    case CounterUnit::cycles:
      return cycles_per_second;
  }
  return 1;
}

/// `cells` are the buckets and the sum.
MetricSample histogram_sample(const MetricLabels& labels, std::span<const Counter> cells,
                              const ShownBounds& shown, double unit) {
  MetricSample sample{labels, 0, {}, static_cast<double>(cells.back().get()) / unit};
  const auto buckets = cells.first(cells.size() - 1);
  size_t bucket = 0;
  uint64_t count = 0;
  for (size_t i = shown.first; i <= shown.last; ++i) {
    const HistogramBound bound = shown.bound(i);
    for (; bucket <= bound.last_bucket; ++bucket) count += buckets[bucket].get();
    sample.buckets.push_back({count, static_cast<double>(bound.value) / unit});
  }
  for (; bucket < buckets.size(); ++bucket) count += buckets[bucket].get();
  sample.buckets.push_back({count, std::numeric_limits<double>::infinity()});
  return sample;
}

template <typename Owner>
void add_cells(Metric& metric, const CounterRow<Owner>& row, const CounterMember<Owner>& member,
               const Instance<Owner>& instance, double unit) {
  const CellLabel& label = row.label;
  const bool names_given = label.value != nullptr || member.label_value != nullptr;
  const auto cells = member.read(instance.counters);
  const size_t end = label.key == nullptr || names_given
                         ? cells.size()
                         : std::min(cells.size(), instance.cell_names.size());
  for (size_t i = label.first_cell; i < end; ++i) {
    const uint64_t value = cells[i].get();
    if (label.only_used && value == 0) continue;
    MetricLabels labels = instance.labels;
    if (label.key != nullptr) {
      labels.emplace_back(label.key, member.label_value != nullptr ? member.label_value
                                     : label.value != nullptr      ? label.value(i)
                                                                   : instance.cell_names[i]);
    }
    metric.add(std::move(labels), static_cast<double>(value) / unit);
  }
}

/// The named rows of one part of the table. `workers` are the instances of rows by worker.
template <typename Owner>
void append_rows(std::vector<Metric>& page, const std::vector<Instance<Owner>>& instances,
                 const std::vector<Instance<Owner>>& workers, double cycles_per_second) {
  for (const CounterRow<Owner>& row : counter_table<Owner>()) {
    if (row.name == nullptr) continue;
    Metric& metric = page.emplace_back(Metric{row.name, row.kind, row.help, {}});
    const double unit = per_base_unit(row.unit, cycles_per_second);
    for (const Instance<Owner>& instance : row.by_worker ? workers : instances) {
      for (const CounterMember<Owner>& member : row.members) {
        if (member.read == nullptr) continue;
        if (row.kind == MetricKind::histogram) {
          metric.samples.push_back(histogram_sample(instance.labels, member.read(instance.counters),
                                                    member.bounds, unit));
        } else {
          add_cells(metric, row, member, instance, unit);
        }
      }
    }
  }
}

std::vector<std::string> dscp_names() {
  std::vector<std::string> names;
  for (size_t i = 0; i < std::tuple_size_v<decltype(WorkerCounters::marked)>; ++i) {
    names.push_back(dscp_name(static_cast<Dscp>(i)));
  }
  return names;
}

}  // namespace

std::vector<Metric> counter_metrics(const Scrape& scrape) {
  const Totals& totals = scrape.totals;
  std::vector<Instance<PortCounters>> ports;
  for (size_t p = 0; p < scrape.ports.size() && p < kMaxPorts; ++p) {
    ports.push_back({{{"port", scrape.ports[p].name}}, totals.ports[p], {}});
  }
  std::vector<Instance<WorkerCounters>> workers;
  for (size_t w = 0; w < scrape.sources.workers.size(); ++w) {
    workers.push_back({{{"worker", std::to_string(w)}}, *scrape.sources.workers[w], dscp_names()});
  }
  std::vector<Instance<ModelCounters>> models;
  for (size_t m = 0; m < scrape.models->models().size(); ++m) {
    const ActiveModel& model = scrape.models->models()[m];
    models.push_back({{{"model", model.name}}, totals.models[m], model.model->classes});
  }

  const double cycles_per_second = scrape.sources.cycles_per_second;
  std::vector<Metric> page;
  append_rows<PortCounters>(page, ports, {}, cycles_per_second);
  append_rows<WorkerCounters>(page, {{{}, totals, dscp_names()}}, workers, cycles_per_second);
  append_rows<ModelCounters>(page, models, {}, cycles_per_second);
  return page;
}

}  // namespace flowmark
