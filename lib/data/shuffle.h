#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace flowmark {

/// Fisher and Yates, written out because std::shuffle differs between standard libraries.
inline void shuffle(std::vector<uint32_t>& items, std::mt19937_64& random) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random() % i]);
  }
}

}  // namespace flowmark
