#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/flowmarkd/control.h"
#include "daemon/flowmarkd/exporter.h"
#include "daemon/flowmarkd/port_watch.h"
#include "daemon/flowmarkd/reloader.h"
#include "daemon/flowmarkd/start_needs.h"
#include "daemon/flowmarkd/stream/stream_thread.h"
#include "dpdk/distributor.h"
#include "dpdk/dpdk_io.h"
#include "dpdk/eal.h"
#include "dpdk/packet_pool.h"
#include "dpdk/port.h"
#include "runtime/event_ring.h"
#include "runtime/totals.h"
#include "runtime/worker.h"
#include "settings/settings.h"

namespace flowmark {

/// flowmarkd: everything is wired here, and the members' order is the order of start and, reversed,
/// of the end.
class Daemon {
 public:
  /// Starts DPDK, the ports and everything else but the workers. Throws Error.
  Daemon(Settings settings, StartNeeds needs);
  ~Daemon();

  /// Forwards until SIGTERM or SIGINT, then stops in order and prints the summary.
  int run();
  /// Models are being loaded. That thread goes on when this object ends.
  bool is_loading() const noexcept { return reloader_.is_busy(); }

 private:
  void start_ports();
  void make_workers();
  void make_stream();
  void make_exporter();
  void launch();
  /// Ends what launch() began, in order; a second call does nothing.
  void stop();
  std::vector<PortReport> port_reports() const;
  std::vector<HostUse> host_uses() const;
  std::vector<std::string> port_names() const;
  nlohmann::ordered_json status() const;
  bool ask_workers(FlowQuery& query);
  std::vector<ThreadProgress> progress() const;
  AnswerWatch::Counts answers_not_finite() const;

  Settings settings_;  ///< as started; what changes live is the reloader's
  StartNeeds needs_;
  Reloader reloader_;
  Eal eal_;
  LiveClock clock_;
  Mempool pool_;
  std::vector<std::unique_ptr<Port>> ports_;
  Spreading spreading_ = Spreading::single;
  WorkerCountersList counters_;  ///< of the workers, then of the distributor
  PortWatch watch_{ports_, counters_};
  std::vector<std::unique_ptr<EventRing>> rings_;
  std::vector<std::unique_ptr<FlowRing>> flow_rings_;  ///< by worker; none without a stream
  std::unique_ptr<StreamThread> stream_;               ///< nullptr: nobody asks for it
  std::unique_ptr<Distributor> distributor_;
  std::vector<std::unique_ptr<PacketIo>> ios_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::function<void()>> work_;  ///< by lcore - 1
  std::unique_ptr<Exporter> exporter_;
  std::unique_ptr<Control> control_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  bool stopped_ = false;
};

}  // namespace flowmark
