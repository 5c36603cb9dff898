#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/keyed_random.h"

namespace flowmark {

/// What to drop of a batch, or nothing.
struct CnnDropout {
  bool on = false;
  KeyedRandom random{0};  ///< of this batch
};

/// Says of each of many values, by its index, whether it is dropped: with probability `share`. The
/// values that stay are multiplied by scale().
class CnnDropDraw {
 public:
  CnnDropDraw(double share, const KeyedRandom& random)
      : limit_(static_cast<uint64_t>(std::lround(share * 65536))),
        scale_(static_cast<float>(1 / (1 - share))),
        random_(random) {}

  /// 16 random bits decide, those of four values are drawn together.
  bool lost(size_t index) const noexcept {
    return (random_.bits(index / 4) >> (index % 4 * 16) & 0xffff) < limit_;
  }
  float scale() const noexcept { return scale_; }

 private:
  uint64_t limit_;
  float scale_;
  KeyedRandom random_;
};

/// Sets each value to 0 with probability `share` and multiplies the others by 1 / (1 - share);
/// `group` > 0: values at the same index modulo group share their fate.
void drop_values(std::span<float> values, double share, size_t group, const KeyedRandom& random);

}  // namespace flowmark
