#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "classify/model_set.h"

namespace flowmark::bench {

enum class BenchModel : uint8_t {
  linear,  ///< of both histograms
  cnn,     ///< the FlowPic paper's network, 1500 x 1500
};

/// A model file with random weights; other seeds give other files. Throws Error.
void write_bench_model(const std::filesystem::path& file, BenchModel kind, uint32_t seed);

/// The models of the pipeline benches, by name: "linear", "cnn", "both", "none". Throws Error for
/// another name.
ModelSet make_models(const std::string& which);

}  // namespace flowmark::bench
