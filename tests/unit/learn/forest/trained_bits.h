#pragma once

#include <string>

#include "learn/forest/trainer.h"

namespace flowmark {

/// All that a training gives, bit for bit.
inline std::string bits(const TrainedForest& trained) {
  std::string text;
  const auto append = [&](const auto& values) {
    text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  append(trained.forest.nodes);
  append(trained.forest.roots);
  append(trained.forest.leaves);
  append(trained.out_of_bag.probabilities);
  append(trained.importances);
  return text;
}

}  // namespace flowmark
