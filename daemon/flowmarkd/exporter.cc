// The only file that knows prometheus-cpp.
#include "daemon/flowmarkd/exporter.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "daemon/flowmarkd/metrics_page.h"

namespace flowmark {
namespace {

prometheus::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return prometheus::MetricType::Counter;
    case MetricKind::gauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric client_metric(const MetricSample& sample, MetricKind kind) {
  prometheus::ClientMetric out;
  for (const auto& [name, value] : sample.labels) out.label.push_back({name, value});
  switch (kind) {
    case MetricKind::counter:
      out.counter.value = sample.value;
      break;
    case MetricKind::gauge:
      out.gauge.value = sample.value;
      break;
    case MetricKind::histogram:
      for (const MetricSample::Bucket& bucket : sample.buckets) {
        out.histogram.bucket.push_back({bucket.count, bucket.upper_bound});
      }
      out.histogram.sample_count = sample.buckets.back().count;
      out.histogram.sample_sum = sample.sum;
      break;
  }
  return out;
}

prometheus::MetricFamily family(const Metric& metric) {
  prometheus::MetricFamily out;
  out.name = "flowmark_" + metric.name;
  out.help = metric.help;
  out.type = type_of(metric.kind);
  for (const MetricSample& sample : metric.samples) {
    out.metric.push_back(client_metric(sample, metric.kind));
  }
  return out;
}

}  // namespace

Scrape::Scrape(const Exporter::Sources& from)
    : sources(from), totals(from.workers), models(from.reloader.current()), ports(from.ports()) {}

Exporter::Exporter(Sources sources) : sources_(std::move(sources)) {}

Exporter::~Exporter() = default;

void Exporter::listen(const std::string& listen) {
  server_ = std::make_unique<MetricsServer>(listen, [this] { return text(); });
}

std::string Exporter::text() const {
  const Scrape scrape(sources_);
  std::vector<Metric> page = counter_metrics(scrape);
  insert_daemon_metrics(page, scrape);
  std::vector<prometheus::MetricFamily> families;
  for (const Metric& metric : page) families.push_back(family(metric));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace flowmark
