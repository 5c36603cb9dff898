#include "actuator/mark_keeper.h"

namespace flowmark {
namespace {

constexpr std::chrono::seconds kCommitEvery{1};

}  // namespace

void MarkKeeper::begin_snapshot() {
  flows_.clear();
  in_snapshot_ = true;
}

void MarkKeeper::take(const StreamLine& line, std::string_view) {
  const FlowTuple flow = without_vlan(line.flow);
  const std::optional<Dscp>& dscp = limits_.towards_lan ? line.dscp_to_lan : line.dscp;
  const bool has_mark = line.kind == StreamLine::Kind::mark && dscp.has_value();
  has_mark ? set(flow, *dscp) : clear(flow);
  counters_.flows = flows_.size();
}

void MarkKeeper::end_snapshot() {
  in_snapshot_ = false;
  knows_ = compares_ = true;
}

void MarkKeeper::work(Clock::time_point now) {
  next_commit_ = now + kCommitEvery;
  if (in_snapshot_) return;
  if (!store_->commit(now)) compares_ = true;
  if (!knows_ || (!compares_ && now < next_reconcile_)) return;
  reconcile();
  compares_ = false;
  if (limits_.reconcile_every.count() > 0) next_reconcile_ = now + limits_.reconcile_every;
}

StreamHandler::Clock::time_point MarkKeeper::next_work() const {
  return next_commit_;
}

// Within a snapshot only the list of flows is written: end_snapshot() compares it with the table.
void MarkKeeper::set(const FlowTuple& flow, Dscp dscp) {
  if (flows_.size() >= limits_.max_flows && !flows_.contains(flow)) {
    ++counters_.left_out;
    return;
  }
  const auto [at, is_new] = flows_.try_emplace(flow, dscp);
  if (!is_new && at->second == dscp) return;
  at->second = dscp;
  if (!in_snapshot_) store_->set(flow, dscp);
}

void MarkKeeper::clear(const FlowTuple& flow) {
  if (flows_.erase(flow) != 0 && !in_snapshot_) store_->clear(flow);
}

void MarkKeeper::reconcile() {
  ++counters_.reconciles;
  store_->reconcile(flows_);
  counters_.flows = flows_.size();
}

}  // namespace flowmark
