#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "classify/model_set.h"
#include "daemon/flowmarkd/exporter.h"
#include "runtime/totals.h"
#include "telemetry/counter_table.h"

namespace flowmark {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// One value of a metric, in the base unit: seconds, or a share of 1.
struct MetricSample {
  struct Bucket {
    uint64_t count;      ///< of values up to the bound
    double upper_bound;  ///< infinity for the last one
  };

  MetricLabels labels;
  double value = 0;             ///< of a counter or gauge
  std::vector<Bucket> buckets;  ///< of a histogram, cumulative
  double sum = 0;               ///< of a histogram's values
};

/// One metric as the page shows it. `name` lacks the prefix `flowmark_`.
struct Metric {
  std::string name;
  MetricKind kind = MetricKind::gauge;
  std::string help;
  std::vector<MetricSample> samples;

  /// Appends a sample and returns this metric.
  Metric& add(MetricLabels labels, double value) {
    samples.push_back({std::move(labels), value, {}, 0});
    return *this;
  }
  Metric& add(MetricLabels labels, uint64_t value) {
    return add(std::move(labels), static_cast<double>(value));
  }
};

/// What one scrape tells of, read once.
struct Scrape {
  explicit Scrape(const Exporter::Sources& from);

  const Exporter::Sources& sources;
  Totals totals;
  std::shared_ptr<const ModelSet> models;
  std::vector<PortReport> ports;
};

/// The metrics of the table of counters, in its order (telemetry/counter_table.h).
std::vector<Metric> counter_metrics(const Scrape& scrape);

/// Puts the metrics that workers do not count among those of counter_metrics().
void insert_daemon_metrics(std::vector<Metric>& page, const Scrape& scrape);

}  // namespace flowmark
