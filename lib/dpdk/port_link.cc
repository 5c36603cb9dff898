#include "dpdk/port_link.h"

#include <rte_ethdev.h>

#include <algorithm>

#include "base/error.h"
#include "dpdk/frame_check.h"
#include "dpdk/packet_ring.h"
#include "dpdk/port_check.h"

namespace flowmark {

const char* to_string(LinkState state) noexcept {
  switch (state) {
    case LinkState::up:
      return "up";
    case LinkState::down:
      return "down";
    case LinkState::gone:
      return "gone";
  }
  return "?";
}

namespace {

/// How much a statistic of the kernel has grown; one that is smaller began anew.
uint64_t growth(uint64_t now, uint64_t before) {
  return now >= before ? now - before : now;
}

}  // namespace

PortLink::PortLink(const PortSettings& settings, size_t index, uint16_t id)
    : settings_(settings), index_(index), id_(id), interface_(flowmark::interface_of(settings)) {
  if (interface_.empty()) return;
  const KernelLink link = look_at_link(interface_);
  if (is_af_packet(settings)) {
    ring_ = read_ring(settings, index, 0);
    sockets_ = PacketSockets(link.index);
    sockets_.check_fragments_stay();
  }
  interface_index_ = link.index;
  at_last_look_ = link_losses(interface_);
  look();
}

LinkState PortLink::look() {
  constexpr uint32_t kLooksPerReading = 256;  // the sockets' counters have 32 bits only
  if (++looks_ % kLooksPerReading == 0) losses();
  LinkState state = LinkState::up;
  if (!interface_.empty()) {
    state = look_at_interface();
  } else {
    rte_eth_link link{};
    const bool told = rte_eth_link_get_nowait(id_, &link) == 0;
    if (told && link.link_status == RTE_ETH_LINK_DOWN) state = LinkState::down;
  }
  state_.store(state, std::memory_order_relaxed);
  return state;
}

LinkState PortLink::look_at_interface() {
  const KernelLink link = look_at_link(interface_);
  const bool same = link.index == interface_index_ && sockets_.listen_on(link.index);
  if (link.index != 0 && !same) take_up_again(link.index);
  if (link.running) sockets_.clear_errors();
  const bool was_down = longest_sent() == 0;
  if (link.running && was_down && is_af_packet(settings_)) sockets_.discard_unsent(ring_);
  longest_sent_.store(link.running ? link.mtu + kEthernetHeader : 0, std::memory_order_relaxed);
  if (link.index == 0) return LinkState::gone;
  return link.running ? LinkState::up : LinkState::down;
}

void PortLink::take_up_again(unsigned index) {
  check_port(settings_, index_);
  if (!is_af_packet(settings_) || !sockets_.move_to(index)) {
    fail("ports[{}].name: value {}: the interface {} was made anew and the port cannot follow",
         index_, settings_.name, interface_);
  }
  if (settings_.mtu != 0) set_link_mtu(interface_, settings_.mtu);
  // DPDK does nothing for what it believes to be so already.
  rte_eth_promiscuous_disable(id_);
  rte_eth_promiscuous_enable(id_);
  interface_index_ = index;
}

void PortLink::ignore_outgoing() const {
  sockets_.ignore_outgoing();
}

PortLink::Losses PortLink::losses() const {
  const std::lock_guard lock(mutex_);
  if (interface_.empty()) return losses_;
  const PacketSockets::Counts counts = sockets_.take_counts();
  const LinkLosses now = link_losses(interface_);
  in_ring_ += counts.received;
  losses_.before += counts.dropped + growth(now.received, at_last_look_.received);
  losses_.after += growth(now.sent, at_last_look_.sent);
  at_last_look_ = now;
  return losses_;
}

void PortLink::count_unread(uint64_t read) {
  losses();
  const std::lock_guard lock(mutex_);
  losses_.before += in_ring_ - std::min(read, in_ring_);
}

}  // namespace flowmark
