#pragma once

#include <cstdint>

#include "mark/dscp.h"

namespace flowmark {

/// Where a DSCP stands in a 32-bit mark of the kernel, as the actions connmark and ctinfo of tc
/// read it: six bits of DSCP, one bit that says that a DSCP is there, the rest is other programs'.
class MarkLayout {
 public:
  /// What `tc ... action ctinfo dscp 0xfc000000 0x01000000` reads.
  MarkLayout() : MarkLayout(0xff000000, 26, 24) {}
  /// `mask`: the bits that flowmark may write. `shift`: the place of the DSCP's lowest bit.
  /// `valid_bit`: the place of the bit that says that there is a DSCP. Throws UsageError if they
  /// overlap or are not within the mask.
  MarkLayout(uint32_t mask, unsigned shift, unsigned valid_bit);

  uint32_t mask() const noexcept { return mask_; }
  uint32_t dscp_mask() const noexcept { return uint32_t{0x3f} << shift_; }
  uint32_t valid_mask() const noexcept { return uint32_t{1} << valid_bit_; }
  /// The bits within the mask that say `dscp`.
  uint32_t value(Dscp dscp) const noexcept;

 private:
  uint32_t mask_;
  unsigned shift_;
  unsigned valid_bit_;
};

}  // namespace flowmark
