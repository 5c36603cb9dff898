#include "mark/mark_numbers.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {
namespace {

LiveMark live_mark_of_byte(uint8_t mark) noexcept {
  return mark == MarkNumbers::kAsItCame ? LiveMark::none : live_mark_of(mark);
}

MarkNumbers::Entry entry_of(uint8_t to_wan, uint8_t to_lan) noexcept {
  return {to_wan, to_lan, std::max(live_mark_of_byte(to_wan), live_mark_of_byte(to_lan))};
}

}  // namespace

MarkNumbers::MarkNumbers() {
  for (uint8_t mark = 0; mark < kFirstPair; ++mark) entries_[mark] = entry_of(mark, mark);
}

uint8_t MarkNumbers::number_of(const MarkPair& pair) {
  if (!pair.to_wan && !pair.to_lan) return kKeep;
  if (pair.to_wan == pair.to_lan) return *pair.to_wan;
  const uint8_t to_wan = pair.to_wan.value_or(kAsItCame);
  const uint8_t to_lan = pair.to_lan.value_or(kAsItCame);
  for (uint8_t number = kFirstPair; number < next_; ++number) {
    if (entries_[number].to_wan == to_wan && entries_[number].to_lan == to_lan) return number;
  }
  if (next_ == kKeep) {
    fail(
        "marking: more than {} pairs of different marks towards WAN and LAN since the start; "
        "restart the daemon, or use fewer",
        kKeep - kFirstPair);
  }
  entries_[next_] = entry_of(to_wan, to_lan);
  return next_++;
}

bool MarkNumbers::precedes(uint8_t a, uint8_t b) const noexcept {
  const auto goes_before = [](uint8_t x, uint8_t y) {
    return x != kAsItCame && (y == kAsItCame || flowmark::precedes(x, y));
  };
  const Entry &x = entries_[a], &y = entries_[b];
  if (x.to_wan != y.to_wan) return goes_before(x.to_wan, y.to_wan);
  return goes_before(x.to_lan, y.to_lan);
}

}  // namespace flowmark
