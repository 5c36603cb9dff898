#include "learn/forest/out_of_bag.h"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace flowmark {
namespace {

/// Outputs of an answer that are wrong; single-label: 1 if it is.
uint32_t count_wrong(const ForestTargets& targets, uint32_t row, std::span<const float> answer) {
  if (!targets.multilabel) {
    const auto top = std::max_element(answer.begin(), answer.end()) - answer.begin();
    return top == targets.group[row] ? 0 : 1;
  }
  uint32_t wrong = 0;
  for (uint32_t c = 0; c < targets.classes; ++c) {
    const bool truth = (targets.label_set[targets.group[row]] >> c & 1) != 0;
    wrong += (answer[c] > 0.5F) != truth ? 1 : 0;
  }
  return wrong;
}

}  // namespace

OutOfBag judge_out_of_bag(const Forest& forest, const std::vector<GrownTree>& trees,
                          const RankMatrix& matrix, const ForestTargets& targets) {
  OutOfBag result;
  const uint32_t classes = targets.classes;
  result.probabilities.assign(size_t{matrix.rows()} * classes, NAN);
  std::vector<uint32_t> wrong(matrix.rows(), NodeSplit::kNone);
  tbb::enumerable_thread_specific<std::vector<float>> scratch;
  tbb::parallel_for(uint32_t{0}, matrix.rows(), [&](uint32_t row) {
    std::vector<float>& dense = scratch.local();
    dense.resize(matrix.columns(), 0);
    for (const RankMatrix::Entry& entry : matrix.row(row)) {
      dense[entry.index] = matrix.values(entry.index)[entry.rank];
    }
    std::vector<double> sum(classes, 0);
    uint32_t voters = 0;
    for (uint32_t t = 0; t < trees.size(); ++t) {
      if ((trees[t].in_bag[row / 64] >> (row % 64) & 1) != 0) {
        continue;
      }
      const float* const leaf = forest.leaves.data() + size_t{forest.leaf(t, dense)} * classes;
      for (uint32_t c = 0; c < classes; ++c) {
        sum[c] += leaf[c];
      }
      ++voters;
    }
    for (const RankMatrix::Entry& entry : matrix.row(row)) {
      dense[entry.index] = 0;
    }
    if (voters > 0) {
      const auto answer = std::span(result.probabilities).subspan(size_t{row} * classes, classes);
      std::transform(sum.begin(), sum.end(), answer.begin(),
                     [&](double value) { return static_cast<float>(value / voters); });
      wrong[row] = count_wrong(targets, row, answer);
    }
  });
  uint64_t right = 0;
  uint64_t wrong_outputs = 0;
  for (const uint32_t count : wrong) {
    if (count != NodeSplit::kNone) {
      ++result.judged;
      right += count == 0 ? 1 : 0;
      wrong_outputs += count;
    }
  }
  if (result.judged > 0) {
    result.accuracy = static_cast<double>(right) / result.judged;
    result.hamming_loss =
        targets.multilabel ? static_cast<double>(wrong_outputs) / result.judged / classes : 0;
  }
  return result;
}

}  // namespace flowmark
