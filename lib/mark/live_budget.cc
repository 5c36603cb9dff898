#include "mark/live_budget.h"

namespace flowmark {

LiveBudget::Answer LiveBudget::reserve(uint64_t host, uint64_t bytes_per_second) noexcept {
  if (limits_.expedited_host != 0 &&
      !hosts_.reserve(host, bytes_per_second, limits_.expedited_host)) {
    return Answer::host_full;
  }
  const uint64_t link = link_.fetch_add(bytes_per_second) + bytes_per_second;
  if (limits_.expedited_link == 0 || link <= limits_.expedited_link) return Answer::granted;
  release(host, bytes_per_second);
  return Answer::link_full;
}

void LiveBudget::release(uint64_t host, uint64_t bytes_per_second) noexcept {
  link_.fetch_sub(bytes_per_second);
  if (limits_.expedited_host != 0) hosts_.release(host, bytes_per_second);
}

uint64_t LiveBudget::host_of(const IpAddress& address) const noexcept {
  FlowKey key;
  key.a = address;
  return hash(key, secret_);
}

}  // namespace flowmark
