#include "actuator/counters.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr auto kMetrics = std::to_array<ActuatorMetric>({
    {"lines_total", "counter", "Lines of the stream of verdicts.", &ActuatorCounters::lines},
    {"bad_lines_total", "counter", "Lines that could not be read.", &ActuatorCounters::bad_lines},
    {"lost_lines_total", "counter", "Lines that the daemon could not send.",
     &ActuatorCounters::lost_lines},
    {"connections_total", "counter", "Connections to the daemon.", &ActuatorCounters::connections},
    {"reconciles_total", "counter", "Comparisons of what is set with the flows that live.",
     &ActuatorCounters::reconciles},
    {"set_total", "counter", "Marks set or changed, or commands that succeeded.",
     &ActuatorCounters::set},
    {"cleared_total", "counter", "Marks taken away.", &ActuatorCounters::cleared},
    {"failed_total", "counter", "Changes that the kernel refused, or commands that failed.",
     &ActuatorCounters::failed},
    {"left_out_total", "counter", "Lines of flows beyond the limit or without ports.",
     &ActuatorCounters::left_out},
    {"replaced_total", "counter", "Lines that a newer one of their flow replaced.",
     &ActuatorCounters::replaced},
    {"flows", "gauge", "Flows that live and have a mark.", &ActuatorCounters::flows},
    {"missing_flows", "gauge", "Flows with a mark that have no entry in the kernel.",
     &ActuatorCounters::missing},
    {"connected", "gauge", "1 while the daemon answers.", &ActuatorCounters::connected},
});

}  // namespace

std::span<const ActuatorMetric> actuator_metrics() {
  return kMetrics;
}

std::string metrics_text(const ActuatorCounters& counters, const std::string& program) {
  std::string text;
  for (const ActuatorMetric& metric : kMetrics) {
    text += fmt::format(
        "# HELP flowmark_actuator_{0} {1}\n# TYPE flowmark_actuator_{0} {2}\n"
        "flowmark_actuator_{0}{{program=\"{3}\"}} {4}\n",
        metric.name, metric.help, metric.type, program, counters.*metric.member);
  }
  return text;
}

void write_metrics(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary = path.native() + ".new";
  std::ofstream file(temporary, std::ios::trunc);
  file << text;
  file.close();
  if (!file) fail("--metrics: value {}: cannot be written", temporary.native());
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) fail("--metrics: value {}: {}", path.native(), error.message());
}

std::string summary_text(const ActuatorCounters& counters) {
  std::string text;
  for (const ActuatorMetric& metric : kMetrics) {
    const uint64_t value = counters.*metric.member;
    if (value == 0) continue;
    std::string name = metric.name;
    if (name.ends_with("_total")) name.resize(name.size() - 6);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text.empty() ? "nothing done" : text;
}

}  // namespace flowmark
