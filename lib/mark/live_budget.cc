#include "mark/live_budget.h"

namespace flowmark {

LiveBudget::LiveBudget(const LiveLimits& limits, const HashSecret& secret)
    : limits_(limits), secret_(secret), groups_(std::make_unique<Groups>()) {}

// Added first and looked at then, as HostShares does.
LiveBudget::Answer LiveBudget::reserve(uint64_t host, uint64_t bytes_per_second,
                                       const LiveCaps& caps) noexcept {
  const uint64_t host_limit = caps.host.value_or(limits_.expedited_host);
  if (!hosts_.reserve(host, bytes_per_second, host_limit == 0 ? UINT64_MAX : host_limit)) {
    return Answer::host_full;
  }
  const uint64_t link = link_.fetch_add(bytes_per_second) + bytes_per_second;
  uint64_t total = 0;
  if (caps.group != LiveCaps::kNoGroup) {
    total = (*groups_)[caps.group].fetch_add(bytes_per_second) + bytes_per_second;
  }
  const bool fits_group = !caps.total || total <= *caps.total;
  const bool fits_link = limits_.expedited_link == 0 || link <= limits_.expedited_link;
  if (fits_group && fits_link) return Answer::granted;
  release(host, bytes_per_second, caps.group);
  return fits_group ? Answer::link_full : Answer::group_full;
}

void LiveBudget::release(uint64_t host, uint64_t bytes_per_second, uint16_t group) noexcept {
  link_.fetch_sub(bytes_per_second);
  hosts_.release(host, bytes_per_second);
  if (group != LiveCaps::kNoGroup) (*groups_)[group].fetch_sub(bytes_per_second);
}

uint64_t LiveBudget::host_of(const IpAddress& address) const noexcept {
  FlowKey key;
  key.a = address;
  return hash(key, secret_);
}

}  // namespace flowmark
