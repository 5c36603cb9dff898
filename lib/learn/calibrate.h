#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace flowmark {

struct Calibration {
  double temperature = 1;
  double loss = 0;  ///< the mean cross entropy there, every class of equal weight
};

/// The temperature by which to divide scores [row][class] so that their softmax is right on average
/// (Guo et al., "On Calibration of Modern Neural Networks", 2017): the minimum of the cross
/// entropy, every class of equal weight. Targets are smoothed as Platt's (1 - 1 / (n + 2)), else a
/// model without an error would never be sure enough. Without rows: 1.
Calibration calibrate_scores(std::span<const double> scores, std::span<const uint32_t> labels,
                             uint32_t classes);

/// Below which confidence a model had better keep silent.
struct Abstention {
  double threshold = 0;  ///< least probability of the likeliest class that counts as an answer
  double accuracy = 0;   ///< balanced over classes, of the answers that are left
  double coverage = 0;   ///< share of windows that are answered, every class of equal weight
  bool reached = false;  ///< whether the accuracy asked for was
};

/// The lowest threshold by which the answers left are right as often as `accuracy` asks, judged on
/// rows not trained on. Where no threshold reaches it: the one of the highest accuracy that still
/// answers half of the windows. `probabilities` [row][class]. No rows: nullopt.
std::optional<Abstention> choose_abstention(std::span<const float> probabilities,
                                            std::span<const uint32_t> labels, uint32_t classes,
                                            double accuracy);

}  // namespace flowmark
