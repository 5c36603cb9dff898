#pragma once

#include <memory>
#include <string>
#include <vector>

#include "classify/model_set.h"

namespace flowmark::testing {

/// A model whose answer a test can predict: two classes, `small` and `large`, by whether most
/// counts of a size_iat or burst_surge histogram lie in size rows below or above `threshold_bytes`;
/// of a picture by the rows. Probability 0.9 for the class that wins. An inference takes `steps`
/// calls of Engine::step.
std::shared_ptr<const Model> size_model(const FeatureSpec& spec, double threshold_bytes = 500,
                                        std::vector<std::string> classes = {"small", "large"},
                                        int steps = 3);

/// As an ActiveModel: min 4 packets, no minimum time, marks small EF and large AF11.
ActiveModel active(std::shared_ptr<const Model> model, std::string name = "size");

FeatureSpec histogram_spec(uint32_t window_packets = 64);
FeatureSpec picture_spec(TimeUs window_us = 10 * kUsPerSecond, uint32_t bins = 100);

}  // namespace flowmark::testing
