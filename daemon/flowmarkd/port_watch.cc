#include "daemon/flowmarkd/port_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "daemon/flowmarkd/log.h"

namespace flowmark {
namespace {

constexpr uint64_t kLooksForLosses = 200;  // some 10 s

}  // namespace

bool PortWatch::look() {
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (!look_at(*ports_[i], states_[i])) return false;
  }
  tell_of_drops();
  if (++looks_ % kLooksForLosses == 0) tell_of_losses();
  return true;
}

bool PortWatch::look_at(const Port& port, LinkState& before) const {
  try {
    const LinkState now = port.link().look();
    if (now == before) return true;
    switch (now) {
      case LinkState::up:
        log_info("{}: the link is up", port.place());
        break;
      case LinkState::down:
        log_warning("{}: the link is down: what should leave there is dropped", port.place());
        break;
      case LinkState::gone:
        log_error("{}: the interface was deleted: waiting for one of its name", port.place());
        break;
    }
    before = now;
    return true;
  } catch (const Error& error) {
    log_error("{}", error.what());
    return false;
  }
}

// Once each: the counters tell the rest.
void PortWatch::tell_of_drops() {
  if (told_of_cut_off_ && told_of_mtu_) return;
  uint64_t cut_off = 0, over_mtu = 0;
  for (const auto& worker : workers_) {
    cut_off += worker->dropped[static_cast<size_t>(Drop::cut_off)].get();
    over_mtu += worker->dropped[static_cast<size_t>(Drop::over_mtu)].get();
  }
  if (cut_off != 0 && !std::exchange(told_of_cut_off_, true)) {
    log_warning(
        "frames arrive that are longer than the port's ring (framesz) and are dropped: the sender "
        "or the interface merges packets (ethtool -K IF gro off lro off; for a veth also tso off "
        "gso off at its other end), or its MTU is larger");
  }
  if (over_mtu != 0 && !std::exchange(told_of_mtu_, true)) {
    log_warning(
        "frames arrive that are longer than the other port's MTU and are dropped: give both "
        "interfaces the same MTU");
  }
}

void PortWatch::tell_of_losses() {
  LossWatch::Counts now;
  for (const auto& port : ports_) {
    const Port::Stats stats = port->stats();
    now.lost += stats.missed + stats.rx_errors + stats.rx_no_memory;
  }
  const Totals totals(workers_);
  const uint64_t unread = totals.dropped[static_cast<size_t>(Drop::worker_full)].get() +
                          totals.dropped[static_cast<size_t>(Drop::stale)].get();
  now.lost += unread;
  now.received = totals.received() - std::min(unread, totals.received());
  switch (losses_.look(now)) {
    case LossWatch::Turn::began:
      log_warning(
          "{:.1f}% of the packets were lost before they were classified: verdicts are less sure "
          "(what was lost where: flowmark ctl status; what helps: docs/operations.md)",
          100 * losses_.share());
      break;
    case LossWatch::Turn::ended:
      log_info("packets are no longer lost before they are classified");
      break;
    case LossWatch::Turn::none:
      break;
  }
}

std::string ports_text(const std::vector<PortReport>& reports) {
  std::string text = "lost at the ports\n";
  for (const PortReport& report : reports) {
    const auto row = [&](const char* reason, uint64_t count) {
      text += fmt::format("  {:<34}{:>14}\n", fmt::format("{} {}", report.name, reason), count);
    };
    row("missed", report.missed);
    row("rx_error", report.rx_errors);
    row("no_memory", report.rx_no_memory);
    row("tx_error", report.tx_errors);
    row("tx_dropped", report.tx_dropped);
  }
  return text;
}

}  // namespace flowmark
