#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "learn/cnn/trainer.h"

namespace flowmark {

/// Pictures whose class is the third of the rows that most pixels are in, with some noise.
struct Rows {
  explicit Rows(uint32_t height = 24, uint32_t width = 20, uint32_t count = 120) {
    examples.classes = {"low", "middle", "high"};
    examples.feature_count = height * width;
    examples.flows.resize(1);
    for (uint32_t i = 0; i < count; ++i) {
      const KeyedRandom random(i);
      ExampleInfo info;
      info.class_index = i % 3;
      SparseWindow window;
      for (uint32_t place = 0; place < height * width; ++place) {
        const bool home = place / width * 3 / height == info.class_index;
        if (random.uniform(place) < (home ? 0.1 : 0.02)) {
          window.push_back({place, 1});
        }
      }
      examples.add(info, window);
      (i % 4 == 3 ? validation : train).push_back(i);
    }
  }

  ExampleSet examples;
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;
};

inline CnnTrainingOptions small_options() {
  CnnTrainingOptions options;
  options.shape = {
      24,          20, {{4, 4, 2, 1, 1, 2}, {6, 3, 1, 1, 1, 2}}, 0.25, CnnDropoutPlace::pooled,
      {{12, 0.5}}, 3};
  options.batch = 16;
  options.max_epochs = 6;
  options.learning_rate = 3e-3;
  return options;
}

inline void expect_same(const CnnParameters& a, const CnnParameters& b) {
  ASSERT_EQ(a.convs.size(), b.convs.size());
  ASSERT_EQ(a.dense.size(), b.dense.size());
  for (size_t l = 0; l < a.convs.size(); ++l) {
    EXPECT_EQ(a.convs[l].weights, b.convs[l].weights) << "convolution " << l;
    EXPECT_EQ(a.convs[l].bias, b.convs[l].bias) << "convolution " << l;
  }
  for (size_t l = 0; l < a.dense.size(); ++l) {
    EXPECT_EQ(a.dense[l].weights, b.dense[l].weights) << "dense " << l;
    EXPECT_EQ(a.dense[l].bias, b.dense[l].bias) << "dense " << l;
  }
}

/// A file that is gone afterwards.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::path(testing::TempDir()) / (name + std::to_string(::getpid()))) {
    std::filesystem::remove(path_);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <typename Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace flowmark
