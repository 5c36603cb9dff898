#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace flowmark {

/// Chooses about `share` of items with several labels each, so that of every label about that share
/// is chosen, rare ones first: iterative stratification (Sechidis et al., "On the Stratification of
/// Multi-Label Data", 2011). `label_sets`: bits of the labels, per item. Returns which are chosen.
std::vector<bool> stratified_share(std::span<const uint64_t> label_sets, double share,
                                   std::mt19937_64& random);

}  // namespace flowmark
