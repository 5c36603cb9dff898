#include "dpdk/distributor.h"

#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>
#include <rte_ring.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/error.h"
#include "dpdk/dpdk_io.h"
#include "dpdk/mbuf_filter.h"
#include "dpdk/mbuf_view_inline.h"

namespace flowmark {
namespace {

constexpr unsigned kRingSize = 4096;
/// From so many waiting packets on, a worker forwards what follows without looking at it.
constexpr unsigned kBusyAt = kRingSize / 2;
/// Without leave to sleep: its core may be a worker's, too.
constexpr uint32_t kShortRestNs = 20'000;

Ring make_ring(const char* kind, size_t worker, size_t port) {
  const std::string name = fmt::format("flowmark_{}_{}_{}", kind, worker, port);
  rte_ring* const ring =
      rte_ring_create(name.c_str(), kRingSize, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (ring == nullptr) fail("eal.memory_mb: no room for the ring {}", name);
  return Ring(ring);
}

}  // namespace

void RingDeleter::operator()(rte_ring* ring) const noexcept {
  void* mbuf = nullptr;
  while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  rte_ring_free(ring);
}

/// A worker's end of the rings.
class RingIo final : public PacketIo {
 public:
  RingIo(Distributor& distributor, uint32_t worker, WorkerCounters& counters)
      : distributor_(distributor),
        lane_(distributor.lanes_[worker]),
        ports_(distributor.ports_.size()),
        queue_(static_cast<uint16_t>(worker)),
        counters_(counters) {}

  // Packets that are only to be forwarded go at once: what came before them has been sent.
  size_t receive(std::span<Packet> out) noexcept override {
    if (stall_.stalled() && distributor_.ages_) [[unlikely]] {
      drop_all(Drop::stale);
    }
    passed_by_ = 0;
    constexpr size_t kMostRounds = 16;  // to the worker's other duties now and then
    for (size_t round = 0; round < kMostRounds; ++round) {
      if (held_ == 0 && !fetch(out.size())) return 0;
      size_t unseen = 0;
      while (unseen < held_ && passes_by(unseen)) ++unseen;
      if (unseen > 0) {
        counters_.bypassed[static_cast<size_t>(Bypass::worker_busy)].add(unseen);
        send(std::span(mbufs_).first(unseen));
        forget(unseen);
        passed_by_ += unseen;
        continue;
      }
      size_t count = 0;
      for (; count < std::min(held_, out.size()) && !passes_by(count); ++count) {
        const auto stamp = *RTE_MBUF_DYNFIELD(mbufs_[count], distributor_.time_field_,
                                              const rte_mbuf_timestamp_t*);
        newest_us_ = std::max(newest_us_, static_cast<TimeUs>(stamp));
        out[count] = view_.show(count, mbufs_[count], newest_us_, static_cast<uint16_t>(current_));
      }
      return count;
    }
    return 0;
  }

  size_t passed_by() const noexcept override { return passed_by_; }

  void transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept override {
    if (packets.empty()) return;
    for (size_t i = 0; i < packets.size(); ++i) {
      if (marked[i]) view_.write_back(i, mbufs_[i]);
    }
    send(std::span(mbufs_).first(packets.size()));
    forget(packets.size());
  }

  bool finished() const noexcept override { return false; }

  TimeUs now() const noexcept override {
    for (const auto& port : distributor_.ports_) {
      if (port->capture_times()) return newest_us_;
    }
    return distributor_.clock_.now();
  }

  void close() noexcept override { drop_all(Drop::shutdown); }

 private:
  /// Takes packets of the next port that has some. False if none has.
  bool fetch(size_t most) noexcept {
    for (size_t polls = 0; polls < ports_ && held_ == 0; ++polls) {
      current_ = current_ + 1 < ports_ ? current_ + 1 : 0;
      held_ = rte_ring_sc_dequeue_burst(
          lane_.in[current_].get(), reinterpret_cast<void**>(mbufs_.data()),
          static_cast<unsigned>(std::min(most, mbufs_.size())), nullptr);
    }
    return held_ != 0;
  }

  /// What is in hand and in the worker's rings.
  void drop_all(Drop reason) noexcept {
    drop(std::span(mbufs_).first(held_), reason);
    held_ = 0;
    for (size_t port = 0; port < ports_; ++port) {
      unsigned count = 0;
      while ((count = rte_ring_sc_dequeue_burst(
                  lane_.in[port].get(), reinterpret_cast<void**>(mbufs_.data()),
                  static_cast<unsigned>(mbufs_.size()), nullptr)) != 0) {
        drop(std::span(mbufs_).first(count), reason);
      }
    }
  }

  bool passes_by(size_t place) const noexcept {
    return (mbufs_[place]->ol_flags & distributor_.unseen_flag_) != 0;
  }

  /// The first packets in hand are gone.
  void forget(size_t count) noexcept {
    std::copy(mbufs_.begin() + count, mbufs_.begin() + held_, mbufs_.begin());
    held_ -= count;
  }

  /// Sends packets of the present port on.
  void send(std::span<rte_mbuf*> mbufs) noexcept {
    if (ports_ == 1) {
      rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(mbufs.size()));
      return;
    }
    const size_t other = 1 - current_;
    if (!distributor_.sends_) {
      send_burst(*distributor_.ports_[other], queue_, other, mbufs, counters_);
      return;
    }
    const unsigned taken = rte_ring_sp_enqueue_burst(lane_.out[other].get(),
                                                     reinterpret_cast<void* const*>(mbufs.data()),
                                                     static_cast<unsigned>(mbufs.size()), nullptr);
    drop(mbufs.subspan(taken), Drop::tx_full);
  }

  void drop(std::span<rte_mbuf*> mbufs, Drop reason) noexcept {
    if (mbufs.empty()) return;
    counters_.dropped[static_cast<size_t>(reason)].add(mbufs.size());
    rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(mbufs.size()));
  }

  Distributor& distributor_;
  Distributor::Lane& lane_;
  size_t ports_;
  uint16_t queue_;
  WorkerCounters& counters_;
  size_t current_ = 0;  ///< the port of the packets in hand
  size_t held_ = 0;     ///< how many they are
  size_t passed_by_ = 0;
  TimeUs newest_us_ = 0;
  StallWatch stall_;
  MbufView view_;
  std::array<rte_mbuf*, MbufView::kBurst> mbufs_{};
};

Distributor::Distributor(std::span<const std::unique_ptr<Port>> ports, uint32_t workers,
                         const ParseOptions& parse, const HashSecret& secret,
                         const LiveClock& clock, WorkerCounters& counters, bool sleeps)
    : ports_(ports),
      parse_(parse),
      secret_(secret),
      clock_(clock),
      counters_(counters),
      longest_rest_ns_(sleeps ? IdlePace::kLongestRestNs : kShortRestNs),
      fragments_(secret),
      lanes_(workers) {
  if (rte_mbuf_dyn_rx_timestamp_register(&time_field_, &time_flag_) != 0) {
    fail("DPDK has no room in its packet buffers for a time");
  }
  const rte_mbuf_dynflag unseen{"flowmark_unseen", 0};
  const int bit = rte_mbuf_dynflag_register(&unseen);
  if (bit < 0) fail("DPDK has no room in its packet buffers for a flag");
  unseen_flag_ = uint64_t{1} << bit;
  sends_ = std::any_of(ports.begin(), ports.end(),
                       [workers](const auto& port) { return port->tx_queues() < workers; });
  ages_ = std::none_of(ports.begin(), ports.end(),
                       [](const auto& port) { return port->capture_times(); });
  for (size_t w = 0; w < lanes_.size(); ++w) {
    for (size_t p = 0; p < ports.size(); ++p) {
      lanes_[w].in[p] = make_ring("in", w, p);
      lanes_[w].out[p] = make_ring("out", w, p);
    }
  }
}

Distributor::~Distributor() = default;

std::unique_ptr<PacketIo> Distributor::io(uint32_t worker, WorkerCounters& counters) {
  return std::make_unique<RingIo>(*this, worker, counters);
}

void Distributor::run() noexcept {
  IdlePace idle;
  for (;;) {
    const State state = state_.load(std::memory_order_acquire);
    size_t moved = 0;
    if (state == State::running) {
      if (stall_.stalled()) [[unlikely]] {
        drop_waiting();
      }
      for (size_t port = 0; port < ports_.size(); ++port) moved += receive(port);
    } else if (state == State::stopping) {
      state_.store(State::draining, std::memory_order_release);
    }
    moved += send_for_workers();
    (moved != 0 ? counters_.bursts : counters_.empty_polls).add();
    if (state == State::finishing && moved == 0) return;
    if (moved != 0 || state != State::running) {
      idle.busy();
    } else if (const uint32_t rest_ns = idle.idle(); rest_ns != 0) {
      const timespec pause{0, static_cast<long>(std::min(rest_ns, longest_rest_ns_))};
      nanosleep(&pause, nullptr);
    }
  }
}

void Distributor::stop_receiving() noexcept {
  state_.store(State::stopping, std::memory_order_release);
  while (state_.load(std::memory_order_acquire) != State::draining) std::this_thread::yield();
}

size_t Distributor::receive(size_t port) noexcept {
  std::array<rte_mbuf*, MbufView::kBurst> mbufs;
  const uint16_t received = rte_eth_rx_burst(ports_[port]->id(), 0, mbufs.data(), mbufs.size());
  if (received == 0) return 0;
  counters_.ports[port].rx_packets.add(received);
  const uint32_t full_frame = ports_.size() == 1 ? 0 : ports_[port]->full_frame();
  const size_t count = drop_cut_off(std::span(mbufs).first(received), full_frame, counters_);
  const TimeUs now_us = clock_.now();
  std::array<uint32_t, MbufView::kBurst> lanes;
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    auto& stamp = *RTE_MBUF_DYNFIELD(mbufs[i], time_field_, rte_mbuf_timestamp_t*);
    const bool stamped = ports_[port]->capture_times() && (mbufs[i]->ol_flags & time_flag_) != 0;
    if (!stamped) stamp = static_cast<uint64_t>(now_us);
    const Packet packet =
        view_.show(i, mbufs[i], static_cast<TimeUs>(stamp), static_cast<uint16_t>(port));
    ParsedPacket parsed;
    parse(packet, parse_, parsed);
    lanes[i] = 0;
    if (parsed.status == ParseStatus::ok) {
      if (parsed.fragment != Fragment::none) fragments_.resolve(parsed, packet.time_us);
      lanes[i] = static_cast<uint32_t>((hash(parsed.key, secret_) >> 32) % lanes_.size());
    }
    bytes += packet.wire_length;
  }
  counters_.ports[port].rx_bytes.add(bytes);
  hand_over(port, std::span(mbufs.data(), count), std::span(lanes.data(), count));
  return received;
}

void Distributor::drop_waiting() noexcept {
  std::array<rte_mbuf*, MbufView::kBurst> mbufs;
  for (size_t port = 0; port < ports_.size(); ++port) {
    flowmark::drop_waiting(*ports_[port], 0, port, mbufs, counters_);
  }
}

void Distributor::hand_over(size_t port, std::span<rte_mbuf*> mbufs,
                            std::span<const uint32_t> lanes) noexcept {
  for (uint32_t lane = 0; lane < lanes_.size(); ++lane) {
    std::array<rte_mbuf*, MbufView::kBurst> batch;
    unsigned count = 0;
    for (size_t i = 0; i < mbufs.size(); ++i) {
      if (lanes[i] == lane) batch[count++] = mbufs[i];
    }
    if (count == 0) continue;
    rte_ring* const ring = lanes_[lane].in[port].get();
    // A worker that cannot keep up forwards without looking, in order: past it a packet would
    // overtake those that wait there.
    if (rte_ring_count(ring) >= kBusyAt) {
      for (unsigned i = 0; i < count; ++i) batch[i]->ol_flags |= unseen_flag_;
    }
    const unsigned taken = rte_ring_sp_enqueue_burst(
        ring, reinterpret_cast<void* const*>(batch.data()), count, nullptr);
    if (taken == count) continue;
    counters_.dropped[static_cast<size_t>(Drop::worker_full)].add(count - taken);
    rte_pktmbuf_free_bulk(batch.data() + taken, count - taken);
  }
}

size_t Distributor::send_for_workers() noexcept {
  if (!sends_) return 0;
  size_t moved = 0;
  for (Lane& lane : lanes_) {
    for (size_t port = 0; port < ports_.size(); ++port) {
      std::array<rte_mbuf*, MbufView::kBurst> mbufs;
      const unsigned count = rte_ring_sc_dequeue_burst(
          lane.out[port].get(), reinterpret_cast<void**>(mbufs.data()), mbufs.size(), nullptr);
      if (count == 0) continue;
      send_burst(*ports_[port], 0, port, std::span(mbufs.data(), count), counters_);
      moved += count;
    }
  }
  return moved;
}

}  // namespace flowmark
