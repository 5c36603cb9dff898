#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "mark/host_shares.h"
#include "mark/live_caps.h"
#include "mark/live_mark.h"
#include "net/flow_key.h"

namespace flowmark {

/// Limits on live marks. Rates are bytes a second on the wire, both directions together; 0: none.
struct LiveLimits {
  uint64_t expedited_flow = 0;
  uint64_t expedited_host = 0;
  uint64_t expedited_link = 0;
  uint64_t conference_flow = 0;
  TimeUs hold_us = 10 * kUsPerSecond;  ///< a flow that was refused is not asked again before

  uint64_t flow_rate(LiveMark mark) const noexcept {
    return mark == LiveMark::expedited ? expedited_flow : conference_flow;
  }
  /// Whether flows with such a mark need to be admitted.
  bool limits(LiveMark mark) const noexcept {
    if (mark == LiveMark::none) return false;
    const bool shared = expedited_host != 0 || expedited_link != 0;
    return flow_rate(mark) != 0 || (mark == LiveMark::expedited && shared);
  }
};

/// What all flows with an expedited mark have reserved of the link, of their hosts' shares and of
/// the totals of their groups. One for all workers of a daemon. Any thread, without locks;
/// noexcept, for the packet path.
class LiveBudget {
 public:
  /// `secret`: who knows it could choose addresses that meet in the table of hosts.
  explicit LiveBudget(const LiveLimits& limits, const HashSecret& secret = {});

  enum class Answer : uint8_t { granted, host_full, group_full, link_full };

  /// Reserves a rate for a flow of the host and of the caps' group, or nothing.
  Answer reserve(uint64_t host, uint64_t bytes_per_second, const LiveCaps& caps = {}) noexcept;
  /// Gives back what was reserved, all or a part of it.
  void release(uint64_t host, uint64_t bytes_per_second,
               uint16_t group = LiveCaps::kNoGroup) noexcept;

  const LiveLimits& limits() const noexcept { return limits_; }
  uint64_t link_reserved() const noexcept { return link_.load(std::memory_order_relaxed); }
  uint64_t group_reserved(uint16_t group) const noexcept { return (*groups_)[group].load(); }
  uint64_t host_reserved(uint64_t host) const noexcept { return hosts_.reserved(host); }
  /// What stands for a host's address.
  uint64_t host_of(const IpAddress& address) const noexcept;

 private:
  LiveLimits limits_;
  HashSecret secret_;
  HostShares hosts_;
  using Groups = std::array<std::atomic<uint64_t>, LiveCaps::kMostGroups + 1>;
  std::unique_ptr<Groups> groups_;
  alignas(64) std::atomic<uint64_t> link_{0};
};

}  // namespace flowmark
