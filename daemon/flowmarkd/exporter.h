#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/flowmarkd/metrics_server.h"
#include "daemon/flowmarkd/reloader.h"
#include "daemon/flowmarkd/stream/verdict_stream.h"
#include "dpdk/port_link.h"
#include "runtime/totals.h"
#include "settings/settings.h"

namespace flowmark {

/// What the exporter tells of a port besides the workers' counters.
struct PortReport {
  std::string name;
  PortRole role = PortRole::lan;
  uint64_t missed = 0, rx_errors = 0, tx_errors = 0, rx_no_memory = 0;
  uint64_t tx_dropped = 0;
  LinkState link = LinkState::up;
};

/// The Prometheus endpoint (docs/metrics.md): snapshots the workers' counters when it is asked.
/// Everything it reads must outlive it; the server's thread calls `ports`.
class Exporter {
 public:
  struct Sources {
    const WorkerCountersList& workers;
    const Reloader& reloader;
    uint64_t table_capacity = 0;       ///< of all workers
    uint64_t window_memory_bytes = 0;  ///< likewise
    double cycles_per_second = 1;      ///< unit of the workers' cycle counters
    std::function<std::vector<PortReport>()> ports;
    std::vector<std::string> host_groups = {};  ///< names
    const StreamCounts* stream = nullptr;       ///< nullptr: there is no stream of verdicts
  };

  explicit Exporter(Sources sources);
  ~Exporter();

  /// Serves http://`listen`/metrics until it ends. Throws Error when the address is taken or wrong.
  void listen(const std::string& listen);
  /// The metrics in the text format, as a scrape gets them.
  std::string text() const;

 private:
  Sources sources_;
  std::unique_ptr<MetricsServer> server_;  ///< ends first: its thread calls text()
};

}  // namespace flowmark
