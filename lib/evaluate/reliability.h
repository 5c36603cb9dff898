#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluate/bootstrap.h"

namespace flowmark {

/// Whether a model's probabilities can be believed: of the answers given with a confidence of about
/// p, a share p should be right (Guo et al. 2017).
struct Reliability {
  struct Bin {
    double from = 0;  ///< of confidence; up to the next bin's
    uint64_t count = 0;
    double confidence = 0;  ///< mean
    double accuracy = 0;
  };
  std::vector<Bin> bins;  ///< of equal width over 0 to 1
  /// Mean distance between accuracy and confidence, each bin by its count.
  double expected_error = 0;
  double largest_error = 0;  ///< of a bin
};
/// Throws Error unless there is 1 bin or more.
Reliability reliability_of(std::span<const Judgement> judgements, uint32_t bins = 15);

/// What a threshold of confidence costs and brings: answers below it are withheld, as the daemon
/// does with a policy's `confidence`.
struct CoveragePoint {
  double threshold = 0;
  double coverage = 0;  ///< share of the answers that are given
  double accuracy = 0;  ///< of those; 0 where there are none
};
/// At 0, 0.05, ... 0.95, 0.99 and 0.999.
std::vector<CoveragePoint> coverage_of(std::span<const Judgement> judgements);

/// {"expected_calibration_error", "largest_calibration_error", "reliability": [...], "coverage":
/// [...]}
nlohmann::ordered_json confidence_json(std::span<const Judgement> judgements);
/// The coverage as a table for people, with the calibration error.
std::string confidence_table(std::span<const Judgement> judgements);

}  // namespace flowmark
