#include "feature/sparse_window.h"

#include <array>
#include <cmath>

namespace flowmark {
namespace {

// What a window of 1024 packets can ask for as a rule.
struct Logarithms {
  std::array<float, 1024> of_one_and;
  Logarithms() noexcept {
    for (size_t i = 0; i < of_one_and.size(); ++i) of_one_and[i] = log1p(i);
  }
  static float log1p(size_t count) noexcept {
    return static_cast<float>(std::log1p(static_cast<double>(count)));
  }
};

const Logarithms logarithms;

}  // namespace

float feature_value(ValueKind values, uint32_t count, uint32_t packets) noexcept {
  switch (values) {
    case ValueKind::count:
    case ValueKind::number:
      return static_cast<float>(count);
    case ValueKind::binary:
      return count != 0 ? 1.0F : 0.0F;
    case ValueKind::fraction:
      return packets == 0 ? 0.0F : static_cast<float>(count) / static_cast<float>(packets);
    case ValueKind::log1p:
      return count < logarithms.of_one_and.size() ? logarithms.of_one_and[count]
                                                  : Logarithms::log1p(count);
  }
  return 0.0F;
}

float largest_value(ValueKind values) noexcept {
  constexpr float kMostPackets = 65535;
  constexpr float kMostNumber = 32;  // logarithms of numbers of 44 bits, places on short axes
  switch (values) {
    case ValueKind::count:
      return kMostPackets;
    case ValueKind::binary:
    case ValueKind::fraction:
      return 1;
    case ValueKind::log1p:
      return std::log1p(kMostPackets);
    case ValueKind::number:
      return kMostNumber;
  }
  return 0;
}

}  // namespace flowmark
