#include "classify/class_tag.h"

namespace flowmark {
namespace {

constexpr uint32_t kOffsetBasis = 2166136261U;
constexpr uint32_t kPrime = 16777619U;

uint32_t hashed(uint32_t hash, std::string_view text) noexcept {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * kPrime;
  return hash * kPrime;  // as if a zero byte ended it: "ab", "c" is not "a", "bc"
}

}  // namespace

ClassTag class_tag(std::string_view model, std::string_view class_name) noexcept {
  const uint32_t hash = hashed(hashed(kOffsetBasis, model), class_name);
  return hash == kNoTag ? 1 : hash;
}

}  // namespace flowmark
