#pragma once

#include <cstdint>
#include <span>

#include "classify/model_set.h"

namespace flowmark {

inline constexpr uint8_t kNoClass = 0xff;
inline constexpr uint8_t kSetOfClasses = 0xfe;  ///< in FlowState::standing: look at the labels

/// What one model thinks of one flow: the votes of its newest windows and the standing verdict.
/// Plain data in the flow's block; `probabilities` (one a class) lie beside it.
struct VerdictState {
  uint16_t windows = 0;            ///< windows voted so far, saturating
  uint8_t class_index = kNoClass;  ///< the standing verdict
  bool settled = false;            ///< a full window has voted
};

enum class VerdictChange : uint8_t {
  none,
  given,      ///< first verdict, or again after abstaining
  changed,    ///< another class
  abstained,  ///< the standing verdict was withdrawn
};

/// Whether an answer can be voted with: every score is a finite number.
bool is_finite(std::span<const float> scores) noexcept;

/// Adds a window's probabilities and settles what stands. A window that is not finite changes
/// nothing: it would spoil the mean for good. A window that resembles no class votes with zeros.
///
/// Voting: the mean over the newest `votes` windows, as a running mean (the first window counts
/// fully, the n-th with 1/n, from then on 1/votes). A provisional window contains the ones before
/// it, so it weighs at least one half. Hysteresis: a class needs `confidence` to be given; another
/// one replaces it only with a lead of `hysteresis`; it is withdrawn below confidence - hysteresis.
VerdictChange vote(VerdictState& state, std::span<float> voted, std::span<const float> window,
                   bool provisional, const VerdictPolicy& policy) noexcept;

/// The same for a model that answers yes or no to every class (Model::multilabel). `labels`: bits
/// of the classes that stand. A class joins them above its threshold and leaves them `hysteresis`
/// below it (half the threshold at most). `state.class_index` is one of them, which stays while it
/// stands: what speaks for the flow where only one class can. given: there were none before;
/// changed: there are others now; abstained: none is left.
VerdictChange vote_labels(VerdictState& state, uint32_t& labels, std::span<float> voted,
                          std::span<const float> window, bool provisional,
                          std::span<const float> thresholds, const VerdictPolicy& policy) noexcept;

/// Class with the highest voted probability.
uint8_t best_class(std::span<const float> voted) noexcept;

}  // namespace flowmark
