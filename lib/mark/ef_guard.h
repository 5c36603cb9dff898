#pragma once

#include <cstdint>

#include "base/time.h"

namespace flowmark {

/// Caps the bytes a worker may mark EF: a token bucket (RFC 2697's committed rate and burst, colour
/// blind). EF that floods a link starves what it should protect (RFC 3246, section 2).
class EfGuard {
 public:
  /// `bytes_per_second` 0: no cap. The burst is a quarter of a second's worth.
  explicit EfGuard(uint64_t bytes_per_second) noexcept
      : rate_(bytes_per_second), burst_(bytes_per_second / 4), tokens_(burst_) {}

  /// True if a packet of so many bytes may be marked now.
  bool admit(uint32_t bytes, TimeUs now_us) noexcept;

 private:
  uint64_t rate_;
  uint64_t burst_;
  uint64_t tokens_;
  TimeUs filled_us_ = 0;
};

}  // namespace flowmark
