#pragma once

#include <string>

#include "classify/model_set.h"

namespace flowmark::bench {

/// The models of the pipeline benches, with random weights: "linear" (both histograms), "cnn" (the
/// FlowPic paper's network, 1500 x 1500), "both", "none". Throws Error for another name.
ModelSet make_models(const std::string& which);

}  // namespace flowmark::bench
