#include "actuator/mark_layout.h"

#include <fmt/format.h>

#include "actuator/usage_error.h"

namespace flowmark {

MarkLayout::MarkLayout(uint32_t mask, unsigned shift, unsigned valid_bit)
    : mask_(mask), shift_(shift), valid_bit_(valid_bit) {
  if (shift > 26)
    throw UsageError(fmt::format("--shift: value {}: six bits of DSCP fit from 0 to 26", shift));
  if (valid_bit > 31)
    throw UsageError(fmt::format("--valid-bit: value {}: a mark has the bits 0 to 31", valid_bit));
  if ((dscp_mask() & valid_mask()) != 0) {
    throw UsageError(fmt::format("--valid-bit: value {}: the DSCP has the bits {} to {}", valid_bit,
                                 shift, shift + 5));
  }
  if (((dscp_mask() | valid_mask()) & ~mask) != 0) {
    throw UsageError(fmt::format(
        "--mask: value {:#010x}: must have the bits {:#010x} of --shift and --valid-bit", mask,
        dscp_mask() | valid_mask()));
  }
}

uint32_t MarkLayout::value(Dscp dscp) const noexcept {
  return uint32_t{dscp} << shift_ | valid_mask();
}

}  // namespace flowmark
