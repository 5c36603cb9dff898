#include "flow/flow_entry.h"

namespace flowmark {
namespace {

void store_le64(uint8_t* p, uint64_t v) noexcept {
  if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof(v));
}

}  // namespace

FlowKey EntryKey::key() const noexcept {
  FlowKey key;
  auto* at = reinterpret_cast<uint8_t*>(&key);
  store_le64(at + 32, words_[0] & ~kOfNoFlow);
  store_le64(at, has_records() ? 0 : words_[1]);
  store_le64(at + 8, has_records() ? kMapped | (words_[1] << 32) : words_[2]);
  store_le64(at + 16, has_records() ? 0 : words_[3]);
  store_le64(at + 24, has_records() ? kMapped | (words_[1] >> 32 << 32) : words_[4]);
  return key;
}

}  // namespace flowmark
