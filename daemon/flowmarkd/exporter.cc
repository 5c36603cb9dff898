// The only file that knows prometheus-cpp.
#include "daemon/flowmarkd/exporter.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/error.h"
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

struct Exporter::Impl final : prometheus::Collectable {
  explicit Impl(Sources from) : sources(std::move(from)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const Scrape scrape(sources);
    std::vector<Metric> page = counter_metrics(scrape);
    insert_daemon_metrics(page, scrape);
    std::vector<prometheus::MetricFamily> families;
    for (const Metric& metric : page) families.push_back(family(metric));
    return families;
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
