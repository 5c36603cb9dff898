#include "mark/token_bucket.h"

#include <algorithm>

namespace flowmark {
namespace {

constexpr auto kPerByte = static_cast<uint64_t>(kUsPerSecond);
/// Longer than the slowest bucket takes to fill (1 kbit/s), and too short to overflow.
constexpr TimeUs kLongestUs = 60 * kUsPerSecond;
static_assert(TokenBucket::burst_bytes(125) / 125 < 60);
static_assert(UINT64_MAX / TokenBucket::kHighestRate / 2 > static_cast<uint64_t>(kLongestUs));

}  // namespace

void TokenBucket::start(uint64_t bytes_per_second, TimeUs now_us) noexcept {
  tokens_ = burst_bytes(bytes_per_second) * kPerByte;
  filled_us_ = now_us;
}

void TokenBucket::change_rate(uint64_t from, uint64_t to) noexcept {
  const uint64_t before = burst_bytes(from) * kPerByte;
  const uint64_t after = burst_bytes(to) * kPerByte;
  tokens_ = tokens_ + after > before ? tokens_ + after - before : 0;
}

bool TokenBucket::take(uint32_t bytes, uint64_t bytes_per_second, TimeUs now_us) noexcept {
  if (now_us > filled_us_) {
    const auto elapsed = static_cast<uint64_t>(std::min(now_us - filled_us_, kLongestUs));
    tokens_ =
        std::min(burst_bytes(bytes_per_second) * kPerByte, tokens_ + bytes_per_second * elapsed);
    filled_us_ = now_us;
  } else if (filled_us_ - now_us >= kUsPerSecond) {
    filled_us_ = now_us;
  }
  const uint64_t cost = bytes * kPerByte;
  if (tokens_ < cost) return false;
  tokens_ -= cost;
  return true;
}

uint64_t TokenBucket::lacks(uint32_t bytes) const noexcept {
  const uint64_t cost = bytes * kPerByte;
  return tokens_ >= cost ? 0 : (cost - tokens_ + kPerByte - 1) / kPerByte;
}

}  // namespace flowmark
