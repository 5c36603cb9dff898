#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "learn/forest/trainer.h"

namespace flowmark {

/// What tests/golden/train_forest/make_reference.py wrote.
inline const nlohmann::json& forest_reference() {
  static const nlohmann::json values = [] {
    std::ifstream file(FLOWMARK_SOURCE_DIR "/tests/golden/train_forest/reference.json");
    return nlohmann::json::parse(file);
  }();
  return values;
}

/// Examples with the rows to train on and those to test on.
struct ForestData {
  ExampleSet examples;
  std::vector<uint64_t> labels;  ///< class, or set of labels
  std::vector<uint32_t> train;
  std::vector<uint32_t> test;

  void add(const SparseWindow& window, uint64_t label, bool is_train = true) {
    ExampleInfo info;
    info.class_index = static_cast<uint32_t>(label);
    auto& rows = is_train ? train : test;
    rows.push_back(static_cast<uint32_t>(labels.size()));
    examples.add(info, window);
    labels.push_back(label);
  }
  std::vector<uint64_t> train_labels() const {
    return {labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(train.size())};
  }
};

inline ForestData empty_forest_data(uint32_t features, uint32_t classes) {
  ForestData data;
  data.examples.feature_count = features;
  data.examples.flows.resize(1);
  for (uint32_t c = 0; c < classes; ++c) {
    data.examples.classes.push_back(std::string(1, static_cast<char>('a' + c)));
  }
  return data;
}

inline ForestData reference_data(const std::string& name) {
  const nlohmann::json& from = forest_reference()["data"][name];
  ForestData data = empty_forest_data(from["features"], from["classes"]);
  for (size_t i = 0; i < from["rows"].size(); ++i) {
    SparseWindow window;
    for (const nlohmann::json& pair : from["rows"][i]) {
      window.push_back({pair[0], pair[1]});
    }
    data.add(window, from["labels"][i], i < from["train"].get<size_t>());
  }
  return data;
}

/// Sparse small counts; class and features are loosely tied.
inline ForestData random_counts(uint32_t rows, uint32_t features, uint32_t classes, uint64_t seed) {
  ForestData data = empty_forest_data(features, classes);
  std::mt19937_64 dice(seed);
  for (uint32_t i = 0; i < rows; ++i) {
    const uint64_t label = i < classes ? i : dice() % classes;
    SparseWindow window;
    for (uint32_t j = 0; j < features; ++j) {
      const bool is_likely = j % classes == label;
      if (dice() % 100 < (is_likely ? 35U : 20U)) {
        window.push_back({j, static_cast<float>(1 + dice() % 7)});
      }
    }
    data.add(window, label);
  }
  return data;
}

}  // namespace flowmark
