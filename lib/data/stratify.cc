#include "data/stratify.h"

#include <array>
#include <bit>
#include <numeric>

#include "data/shuffle.h"

namespace flowmark {
namespace {

constexpr size_t kLabels = 64;

/// How many more items a side would like to have: of each label, and at all.
struct Wishes {
  std::array<double, kLabels> of_label{};
  double all = 0;

  void take(uint64_t set) {
    all -= 1;
    for (; set != 0; set &= set - 1) {
      of_label[static_cast<size_t>(std::countr_zero(set))] -= 1;
    }
  }
};

/// The label that the fewest of the items left have; kLabels if they have none.
size_t rarest(std::span<const uint64_t> label_sets, const std::vector<uint32_t>& left) {
  std::array<uint32_t, kLabels> count{};
  for (const uint32_t item : left) {
    for (uint64_t set = label_sets[item]; set != 0; set &= set - 1) {
      ++count[static_cast<size_t>(std::countr_zero(set))];
    }
  }
  size_t best = kLabels;
  for (size_t c = 0; c < kLabels; ++c) {
    if (count[c] > 0 && (best == kLabels || count[c] < count[best])) best = c;
  }
  return best;
}

}  // namespace

std::vector<bool> stratified_share(std::span<const uint64_t> label_sets, double share,
                                   std::mt19937_64& random) {
  std::vector<bool> chosen(label_sets.size(), false);
  std::vector<uint32_t> left(label_sets.size());
  std::iota(left.begin(), left.end(), 0U);
  shuffle(left, random);
  Wishes inside;
  Wishes outside;
  for (const uint64_t labels : label_sets) {
    inside.all += share;
    outside.all += 1 - share;
    for (uint64_t set = labels; set != 0; set &= set - 1) {
      const auto c = static_cast<size_t>(std::countr_zero(set));
      inside.of_label[c] += share;
      outside.of_label[c] += 1 - share;
    }
  }
  while (!left.empty()) {
    const size_t label = rarest(label_sets, left);
    std::vector<uint32_t> rest;
    for (const uint32_t item : left) {
      if (label < kLabels && (label_sets[item] >> label & 1) == 0) {
        rest.push_back(item);
        continue;
      }
      double lead = label < kLabels ? inside.of_label[label] - outside.of_label[label] : 0;
      if (lead == 0) lead = inside.all - outside.all;
      chosen[item] = lead > 0;
      (chosen[item] ? inside : outside).take(label_sets[item]);
    }
    left = std::move(rest);
  }
  return chosen;
}

}  // namespace flowmark
