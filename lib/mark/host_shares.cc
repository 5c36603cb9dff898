#include "mark/host_shares.h"

#include <algorithm>

namespace flowmark {

HostShares::HostShares() : rows_(std::make_unique<std::array<Row, kRows>>()) {}

// Added first and looked at then: whoever is granted has seen all that was granted before.
bool HostShares::reserve(uint64_t host, uint64_t rate, uint64_t limit) noexcept {
  uint64_t share = UINT64_MAX;
  for (uint32_t row = 0; row < kRows; ++row) {
    auto& counter = (*rows_)[row][column(host, row)];
    share = std::min(share, counter.fetch_add(rate) + rate);
  }
  if (share <= limit) return true;
  release(host, rate);
  return false;
}

void HostShares::release(uint64_t host, uint64_t rate) noexcept {
  for (uint32_t row = 0; row < kRows; ++row) (*rows_)[row][column(host, row)].fetch_sub(rate);
}

uint64_t HostShares::reserved(uint64_t host) const noexcept {
  uint64_t share = UINT64_MAX;
  for (uint32_t row = 0; row < kRows; ++row) {
    share = std::min(share, (*rows_)[row][column(host, row)].load());
  }
  return share;
}

}  // namespace flowmark
