#pragma once

#include <vector>

#include "learn/forest/ranks.h"
#include "learn/forest/targets.h"
#include "learn/forest/tree.h"

namespace flowmark {

/// Judges every example by the trees of the forest that were grown without it, in parallel.
/// `trees`: the forest's, in its order, with in_bag set.
OutOfBag judge_out_of_bag(const Forest& forest, const std::vector<GrownTree>& trees,
                          const RankMatrix& matrix, const ForestTargets& targets);

}  // namespace flowmark
