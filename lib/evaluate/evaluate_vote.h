#pragma once

#include <memory>
#include <span>
#include <vector>

#include "evaluate/evaluate_sources.h"

namespace flowmark {

/// What several models say of one flow together.
struct FlowVote {
  std::vector<Answer> prefixes;      ///< one for each prefix that every voter answered
  std::vector<float> probabilities;  ///< of the whole flow
};

/// Every model has one voice: the mean over models of what each says after a prefix (its mean over
/// both directions for pictures) and of the whole flow (Evaluation: the mean of its full windows,
/// or its longest prefix). Who has no answer does not vote on the whole flow; `voters` has at least
/// one that has.
FlowVote vote_on_flow(std::span<const std::vector<Answer>> voters);

struct VoteEvaluation {
  Evaluation vote;                 ///< no windows: those of different models are not the same
  std::vector<Evaluation> voters;  ///< each alone, on the flows that it has an answer for
  LoadCounts counts;
};

/// Judges what several models say together on the flows of sources, each reading its own windows.
/// `options`: cut (prefixes that suit all models) and group_by count. Throws Error as
/// evaluate_sources, and when there are less than two models, one is multi-label, or they do not
/// have the same classes (their order may differ).
VoteEvaluation evaluate_vote(std::span<const std::shared_ptr<const Model>> models,
                             const std::vector<DataSource>& sources,
                             const EvaluationOptions& options);

}  // namespace flowmark
