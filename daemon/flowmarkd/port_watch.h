#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/flowmarkd/exporter.h"
#include "daemon/flowmarkd/loss_watch.h"
#include "dpdk/port.h"
#include "runtime/totals.h"

namespace flowmark {

/// Looks after the ports' links and says in the log what an operator has to know of them. Control
/// thread.
class PortWatch {
 public:
  /// Both must outlive it and may still be empty.
  PortWatch(const std::vector<std::unique_ptr<Port>>& ports, const WorkerCountersList& workers)
      : ports_(ports), workers_(workers) {}

  /// To be called some 20 times a second. False when a port is of no use any more: the daemon
  /// should end, with an error.
  bool look();
  const LossWatch& losses() const noexcept { return losses_; }

 private:
  bool look_at(const Port& port, LinkState& before) const;
  void tell_of_drops();
  void tell_of_losses();

  const std::vector<std::unique_ptr<Port>>& ports_;
  const WorkerCountersList& workers_;
  std::array<LinkState, kMaxPorts> states_{};
  LossWatch losses_;
  uint64_t looks_ = 0;
  bool told_of_cut_off_ = false, told_of_mtu_ = false;
};

/// The end of the exit summary: what was lost at each port outside of the workers.
std::string ports_text(const std::vector<PortReport>& reports);

}  // namespace flowmark
