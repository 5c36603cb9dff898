#include "feature/sparse_window.h"

#include <cmath>

namespace flowmark {

float feature_value(ValueKind values, uint32_t count, uint32_t packets) noexcept {
  switch (values) {
    case ValueKind::count:
      return static_cast<float>(count);
    case ValueKind::binary:
      return count != 0 ? 1.0F : 0.0F;
    case ValueKind::fraction:
      return packets == 0 ? 0.0F : static_cast<float>(count) / static_cast<float>(packets);
    case ValueKind::log1p:
      return static_cast<float>(std::log1p(static_cast<double>(count)));
  }
  return 0.0F;
}

}  // namespace flowmark
