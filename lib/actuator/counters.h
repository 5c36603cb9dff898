#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace flowmark {

/// What an actuator counts. One thread.
struct ActuatorCounters {
  uint64_t lines = 0;        ///< of the stream
  uint64_t bad_lines = 0;    ///< that could not be read
  uint64_t lost_lines = 0;   ///< that the daemon could not send
  uint64_t connections = 0;  ///< to the daemon
  uint64_t reconciles = 0;   ///< comparisons of what is set with what lives
  uint64_t set = 0;          ///< marks set or changed; of flowmark-exec: commands that succeeded
  uint64_t cleared = 0;      ///< marks taken away
  uint64_t failed = 0;       ///< changes that the kernel refused; commands that failed
  uint64_t left_out = 0;     ///< flows beyond the limit or of a protocol without ports
  uint64_t replaced = 0;     ///< lines that a newer one of their flow replaced before a command ran
  uint64_t flows = 0;        ///< that live and have a mark, now
  uint64_t missing = 0;      ///< flows without an entry in the kernel, since the last comparison
  uint64_t connected = 0;    ///< 1 while the daemon answers
};

/// One row a counter: the name without "flowmark_actuator_", its Prometheus type, its help.
struct ActuatorMetric {
  const char* name;
  const char* type;
  const char* help;
  uint64_t ActuatorCounters::*member;
};

std::span<const ActuatorMetric> actuator_metrics();

/// All counters in Prometheus' text format, with the label program="NAME".
std::string metrics_text(const ActuatorCounters& counters, const std::string& program);
/// Writes them into a file for node_exporter's textfile collector, put in place by rename. Throws
/// Error.
void write_metrics(const std::filesystem::path& path, const std::string& text);
/// "lines 10, set 3, ...": what is not 0.
std::string summary_text(const ActuatorCounters& counters);

}  // namespace flowmark
