#pragma once

#include <filesystem>
#include <string>

#include "data/example_set.h"

namespace flowmark {

/// Which pictures to train on.
struct PictureChoice {
  std::filesystem::path data;  ///< a packet sequence file; empty: synthetic flows
  uint32_t bins = 1500;        ///< rows and columns
  uint32_t per_class = 100;
  double seconds = 15;
};

/// Pictures of the first seconds of flows, both directions in one picture (as published
/// replications of FlowPic have them), `per_class` of each class at random.
ExampleSet bench_pictures(const PictureChoice& choice);

/// Writes them for cnn_compare.py: little-endian 32-bit numbers: count, height, width, classes; for
/// each picture its class, the number of pixels, and index and value (float) of each.
void dump_pictures(const ExampleSet& examples, uint32_t bins, const std::filesystem::path& path);

}  // namespace flowmark
