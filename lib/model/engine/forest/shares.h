#pragma once

#include <span>

#include "kernel/aligned_vector.h"
#include "model/compile/plan.h"

namespace flowmark {

/// Leaves that hold shares of the classes, times one factor, tell how much trees disagree: the
/// entropy of the mean of the trees' shares less the mean of their entropies (Jensen-Shannon
/// divergence; Lin, IEEE Transactions on Information Theory 37, 1991). Entropies are in nats.

/// Whether every leaf holds such shares: none is negative, all rows have the same sum, nothing is
/// added to them, and each class has a score of its own.
bool leaves_are_shares(const ForestPlan& plan) noexcept;

/// The entropy of shares that sum to anything above 0. Any thread; allocates nothing.
float entropy_of_shares(std::span<const float> shares) noexcept;

/// The rows of `leaves`, each `scores` wide, with their entropies as a last column.
AlignedVector<float> with_entropies(std::span<const float> leaves, uint32_t scores);

}  // namespace flowmark
