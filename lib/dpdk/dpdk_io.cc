#include "dpdk/dpdk_io.h"

#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_mbuf_dyn.h>

#include <algorithm>

#include "dpdk/mbuf_filter.h"
#include "dpdk/mbuf_view_inline.h"

namespace flowmark {

DpdkIo::DpdkIo(std::span<const std::unique_ptr<Port>> ports, uint16_t queue, const LiveClock& clock,
               WorkerCounters& counters)
    : ports_(ports.size()), queue_(queue), clock_(clock), counters_(counters) {
  bool capture_times = false;
  for (size_t i = 0; i < ports.size() && i < kMaxPorts; ++i) {
    // A mirror forwards nothing: it looks at cut frames, too.
    sides_[i] = {ports[i].get(), ports[i]->id(), ports[i]->capture_times(),
                 ports_ == 1 ? 0 : ports[i]->full_frame()};
    capture_times |= ports[i]->capture_times();
    if (!ports[i]->interrupts()) interrupts_ = Interrupts::none;
  }
  if (capture_times) {
    time_field_ = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr);
    const int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
    if (bit >= 0) time_flag_ = uint64_t{1} << bit;
  }
}

// A capture's packets bring its time (microseconds); two captures side by side share one clock that
// never runs back.
TimeUs DpdkIo::time_of(const rte_mbuf& mbuf, TimeUs now_us) noexcept {
  if (time_field_ < 0 || (mbuf.ol_flags & time_flag_) == 0) return now_us;
  const auto stamp = *RTE_MBUF_DYNFIELD(&mbuf, time_field_, const rte_mbuf_timestamp_t*);
  capture_us_ = std::max(capture_us_, static_cast<TimeUs>(stamp));
  return capture_us_;
}

size_t DpdkIo::receive(std::span<Packet> out) noexcept {
  if (stall_.stalled()) [[unlikely]] {
    for (size_t i = 0; i < ports_; ++i) {
      drop_waiting(*sides_[i].port, queue_, i, mbufs_, counters_);
    }
  }
  size_t count = 0;
  for (size_t polls = 0; polls < ports_ && count == 0; ++polls) {
    current_ = current_ + 1 < ports_ ? current_ + 1 : 0;
    count = poll(current_, std::min(out.size(), mbufs_.size()));
  }
  if (count == 0) return 0;
  const Side& side = sides_[current_];
  const TimeUs now_us = clock_.now();
  const auto port = static_cast<uint16_t>(current_);
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const TimeUs time_us = side.capture_times ? time_of(*mbufs_[i], now_us) : now_us;
    out[i] = view_.show(i, mbufs_[i], time_us, port);
    bytes += out[i].wire_length;
  }
  counters_.ports[current_].rx_bytes.add(bytes);
  return count;
}

/// Packets of one port that can be looked at.
size_t DpdkIo::poll(size_t side, size_t most) noexcept {
  const uint16_t count =
      rte_eth_rx_burst(sides_[side].id, queue_, mbufs_.data(), static_cast<uint16_t>(most));
  if (count == 0) return 0;
  counters_.ports[side].rx_packets.add(count);
  return drop_cut_off(std::span(mbufs_).first(count), sides_[side].full_frame, counters_);
}

void DpdkIo::transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept {
  if (packets.empty()) return;
  const std::span mbufs(mbufs_.data(), packets.size());
  if (ports_ == 1) {
    rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(mbufs.size()));
    return;
  }
  for (size_t i = 0; i < mbufs.size(); ++i) {
    if (marked[i]) view_.write_back(i, mbufs[i]);
  }
  const size_t other = 1 - current_;
  send_burst(*sides_[other].port, queue_, other, mbufs, counters_);
}

// On the worker's own thread, whose wait set the queues join.
bool DpdkIo::use_interrupts() noexcept {
  if (interrupts_ != Interrupts::unknown) return interrupts_ == Interrupts::usable;
  interrupts_ = Interrupts::none;
  for (size_t i = 0; i < ports_; ++i) {
    if (rte_eth_dev_rx_intr_ctl_q(sides_[i].id, queue_, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
                                  nullptr) != 0) {
      return false;
    }
  }
  if (arm(true) && arm(false)) interrupts_ = Interrupts::usable;
  return interrupts_ == Interrupts::usable;
}

bool DpdkIo::arm(bool on) noexcept {
  bool all = true;
  for (size_t i = 0; i < ports_; ++i) {
    all &= (on ? rte_eth_dev_rx_intr_enable(sides_[i].id, queue_)
               : rte_eth_dev_rx_intr_disable(sides_[i].id, queue_)) == 0;
  }
  return all;
}

void DpdkIo::rest(uint32_t ns) noexcept {
  if (ns < kInterruptRestNs || !use_interrupts()) {
    PacketIo::rest(ns);
    return;
  }
  // A packet that came just before may raise none any more: hence not for long.
  constexpr int kLongestMs = 5;
  std::array<rte_epoll_event, kMaxPorts> events;
  arm(true);
  rte_epoll_wait(RTE_EPOLL_PER_THREAD, events.data(), static_cast<int>(events.size()), kLongestMs);
  arm(false);
}

TimeUs DpdkIo::now() const noexcept {
  return capture_us_ != 0 ? capture_us_ : clock_.now();
}

void drop_waiting(const Port& port, uint16_t queue, size_t port_index, std::span<rte_mbuf*> room,
                  WorkerCounters& counters) noexcept {
  if (port.capture_times()) return;         // a file's packets do not grow old
  constexpr size_t kMostBursts = 1u << 12;  // what comes meanwhile is not old
  uint16_t count = 0;
  size_t bursts = 0;
  do {
    count = rte_eth_rx_burst(port.id(), queue, room.data(), static_cast<uint16_t>(room.size()));
    for (const rte_mbuf* mbuf : room.first(count)) {
      counters.ports[port_index].rx_bytes.add(mbuf->pkt_len);
    }
    counters.ports[port_index].rx_packets.add(count);
    counters.dropped[static_cast<size_t>(Drop::stale)].add(count);
    rte_pktmbuf_free_bulk(room.data(), count);
  } while (count == room.size() && ++bursts < kMostBursts);
}

void send_burst(const Port& port, uint16_t queue, size_t port_index, std::span<rte_mbuf*> mbufs,
                WorkerCounters& counters) noexcept {
  constexpr int kTries = 4;
  const uint32_t longest = port.link().longest_sent();
  if (longest != UINT32_MAX) {
    const auto too_long = [longest](const rte_mbuf& mbuf) {
      return !fits_link(rte_pktmbuf_mtod(&mbuf, const uint8_t*), mbuf.pkt_len, longest);
    };
    const Drop reason = longest == 0 ? Drop::link_down : Drop::over_mtu;
    mbufs = mbufs.first(drop_if(mbufs, reason, counters, too_long));
  }
  uint64_t bytes = 0;  // counted before: a sent mbuf is no longer ours
  for (const rte_mbuf* mbuf : mbufs) bytes += mbuf->pkt_len;
  size_t sent = 0;
  for (int i = 0; i < kTries && sent < mbufs.size(); ++i) {
    const auto rest = mbufs.subspan(sent);
    sent += rte_eth_tx_burst(port.id(), queue, rest.data(), static_cast<uint16_t>(rest.size()));
  }
  if (sent < mbufs.size()) [[unlikely]] {
    const auto left = mbufs.subspan(sent);
    for (const rte_mbuf* mbuf : left) bytes -= mbuf->pkt_len;
    counters.dropped[static_cast<size_t>(Drop::tx_full)].add(left.size());
    rte_pktmbuf_free_bulk(left.data(), static_cast<unsigned>(left.size()));
  }
  counters.ports[port_index].tx_packets.add(sent);
  counters.ports[port_index].tx_bytes.add(bytes);
}

}  // namespace flowmark
