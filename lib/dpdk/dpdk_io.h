#pragma once

#include <array>

#include "dpdk/live_clock.h"
#include "dpdk/mbuf_view.h"
#include "dpdk/port.h"
#include "dpdk/stall_watch.h"
#include "runtime/packet_io.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// One worker's queues of the ports. Two ports: what one receives the other sends. One port
/// (mirror): packets are freed after a look. Polls the ports in turn, until one has packets.
class DpdkIo final : public PacketIo {
 public:
  /// The worker has queue `queue` of every port.
  DpdkIo(std::span<const std::unique_ptr<Port>> ports, uint16_t queue, const LiveClock& clock,
         WorkerCounters& counters);

  size_t receive(std::span<Packet> out) noexcept override;
  void transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept override;
  bool finished() const noexcept override { return false; }
  TimeUs now() const noexcept override;
  void rest(uint32_t ns) noexcept override;

 private:
  size_t poll(size_t side, size_t most) noexcept;
  bool use_interrupts() noexcept;
  bool arm(bool on) noexcept;

  struct Side {
    const Port* port = nullptr;
    uint16_t id = 0;
    bool capture_times = false;
    uint32_t full_frame = 0;  ///< see Port::full_frame()
  };

  TimeUs time_of(const rte_mbuf& mbuf, TimeUs now_us) noexcept;

  std::array<Side, kMaxPorts> sides_{};
  size_t ports_;
  uint16_t queue_;
  const LiveClock& clock_;
  WorkerCounters& counters_;
  size_t current_ = 0;   ///< the port of the burst in hand
  int time_field_ = -1;  ///< offset of the timestamp in the mbuf, or none
  uint64_t time_flag_ = 0;
  enum class Interrupts : uint8_t { unknown, usable, none };
  Interrupts interrupts_ = Interrupts::unknown;
  TimeUs capture_us_ = 0;  ///< the newest capture time seen; 0: none
  StallWatch stall_;
  MbufView view_;
  std::array<rte_mbuf*, MbufView::kBurst> mbufs_{};
};

/// Sends a burst on a queue of the port with this place in the configuration. What the link is too
/// short for, or the queue does not take after a few tries, is freed and counted.
void send_burst(const Port& port, uint16_t queue, size_t port_index, std::span<rte_mbuf*> mbufs,
                WorkerCounters& counters) noexcept;

/// Frees and counts what waits in a queue. `room`: for one burst.
void drop_waiting(const Port& port, uint16_t queue, size_t port_index, std::span<rte_mbuf*> room,
                  WorkerCounters& counters) noexcept;

}  // namespace flowmark
