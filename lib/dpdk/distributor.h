#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "dpdk/live_clock.h"
#include "dpdk/mbuf_view.h"
#include "dpdk/port.h"
#include "dpdk/stall_watch.h"
#include "net/fragment_table.h"
#include "net/parse.h"
#include "runtime/packet_io.h"
#include "telemetry/worker_counters.h"

struct rte_ring;

namespace flowmark {

struct RingDeleter {
  /// Frees the packets still in it, too.
  void operator()(rte_ring* ring) const noexcept;
};
using Ring = std::unique_ptr<rte_ring, RingDeleter>;

/// Spreads the packets of ports that cannot do it themselves over several workers, by the flow key,
/// so that both directions of a flow reach the same one. One lcore polls the ports and, for ports
/// with too few transmit queues, sends for the workers as well. What reaches a worker that does not
/// keep up it forwards unclassified, counted, until it has caught up. No packet of a flow overtakes
/// another: what a worker has no place for at all is dropped and counted, as by a port whose queue
/// is full.
class Distributor {
 public:
  /// `secret` should be another one than the flow tables': a worker's flows share bits of this
  /// hash. `sleeps`: rests like a worker when nothing comes, else for 20 us at most.
  Distributor(std::span<const std::unique_ptr<Port>> ports, uint32_t workers,
              const ParseOptions& parse, const HashSecret& secret, const LiveClock& clock,
              WorkerCounters& counters, bool sleeps);
  ~Distributor();

  /// The packets of one worker; must not outlive the distributor.
  std::unique_ptr<PacketIo> io(uint32_t worker, WorkerCounters& counters);

  /// On its own lcore, until finish().
  void run() noexcept;
  /// First step of a stop: nothing is received any more (returns when that is so), what workers
  /// send is still sent.
  void stop_receiving() noexcept;
  /// Second step, after the workers have ended: sends what they left and returns from run().
  void finish() noexcept { state_.store(State::finishing, std::memory_order_release); }

 private:
  enum class State : uint8_t { running, stopping, draining, finishing };
  friend class RingIo;

  /// A worker's rings, one per port: packets that came in there, packets to go out there.
  struct Lane {
    Ring in[kMaxPorts];
    Ring out[kMaxPorts];
  };

  size_t receive(size_t port) noexcept;
  void hand_over(size_t port, std::span<rte_mbuf*> mbufs, std::span<const uint32_t> lanes) noexcept;
  size_t send_for_workers() noexcept;
  void drop_waiting() noexcept;

  std::span<const std::unique_ptr<Port>> ports_;
  ParseOptions parse_;
  HashSecret secret_;
  const LiveClock& clock_;
  WorkerCounters& counters_;
  uint32_t longest_rest_ns_;
  FragmentTable fragments_;
  bool sends_;  ///< the ports lack transmit queues for every worker
  bool ages_;   ///< packets lose their use while they wait: not those of a capture
  int time_field_ = -1;
  uint64_t time_flag_ = 0;
  uint64_t unseen_flag_ = 0;  ///< of packets that are only to be forwarded
  std::vector<Lane> lanes_;
  StallWatch stall_;
  MbufView view_;
  std::atomic<State> state_{State::running};
};

}  // namespace flowmark
