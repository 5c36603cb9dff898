#include "policy/range_index.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kBitsAWord = 64;
constexpr RangeKey kLastKey{UINT64_MAX, UINT64_MAX};

RangeKey after(RangeKey key) noexcept {
  ++key.low;
  if (key.low == 0) ++key.high;
  return key;
}

uint64_t read_be64(const uint8_t* bytes) noexcept {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | bytes[i];
  return value;
}

/// The bits of the rules that hold at one place of the line.
class Standing {
 public:
  explicit Standing(size_t rules) : bits_(RangeIndex::words(rules)), ranges_(rules) {
    for (size_t rule = 0; rule < rules; ++rule) set(rule, true);
  }
  void clear(size_t rule) { set(rule, false); }
  /// One more or one less of the rule's ranges, which may overlap, covers the place.
  void step(size_t rule, bool begins) {
    ranges_[rule] += begins ? 1U : UINT32_MAX;
    set(rule, ranges_[rule] != 0);
  }
  const std::vector<uint64_t>& bits() const noexcept { return bits_; }

 private:
  void set(size_t rule, bool holds) {
    const uint64_t bit = uint64_t{1} << (rule % kBitsAWord);
    uint64_t& word = bits_[rule / kBitsAWord];
    word = holds ? word | bit : word & ~bit;
  }

  std::vector<uint64_t> bits_;
  std::vector<uint32_t> ranges_;
};

}  // namespace

RangeKey RangeKey::of(const IpAddress& address) noexcept {
  return {read_be64(address.data()), read_be64(address.data() + 8)};
}

void RangeIndex::add(size_t rule, RangeKey first, RangeKey last) {
  edges_.push_back({first, static_cast<uint32_t>(rule), true});
  if (last != kLastKey) edges_.push_back({after(last), static_cast<uint32_t>(rule), false});
}

void RangeIndex::finish(size_t rules) {
  if (edges_.empty()) return;
  words_ = words(rules);
  std::ranges::sort(edges_, {}, &Edge::key);
  Standing standing(rules);
  for (const Edge& edge : edges_) standing.clear(edge.rule);
  std::map<std::vector<uint64_t>, uint32_t> known;
  const auto cut = [&](RangeKey start) {
    const auto [place, is_new] =
        known.try_emplace(standing.bits(), static_cast<uint32_t>(known.size()));
    if (is_new) {
      if ((bits_.size() + words_) * sizeof(uint64_t) > kMostBytes) {
        fail("policies: too many different ranges for {} policies: they would take more than {} MB",
             rules, kMostBytes >> 20);
      }
      bits_.insert(bits_.end(), standing.bits().begin(), standing.bits().end());
    }
    starts_.push_back(start);
    bits_of_.push_back(place->second);
  };
  if (edges_.front().key != RangeKey{}) cut({});
  for (size_t i = 0; i < edges_.size();) {
    const RangeKey key = edges_[i].key;
    for (; i < edges_.size() && edges_[i].key == key; ++i) {
      standing.step(edges_[i].rule, edges_[i].begins);
    }
    cut(key);
  }
  edges_ = {};
}

const uint64_t* RangeIndex::find(RangeKey key) const noexcept {
  const auto next = std::ranges::upper_bound(starts_, key);
  const auto piece = static_cast<size_t>(next - starts_.begin()) - 1;
  return bits_.data() + bits_of_[piece] * words_;
}

}  // namespace flowmark
