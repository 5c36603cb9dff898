#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "model/write/model_writer.h"

namespace flowmark::testing {

/// A directory of the test's own, removed at the end.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flowmark-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The message of the Error that `work` throws; fails the test if it throws none.
inline std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

inline std::vector<float> random_floats(size_t count, float scale, std::mt19937& random) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// `count` different places of a window of `length`, small whole values.
inline SparseWindow random_window(uint32_t length, size_t count, std::mt19937& random) {
  std::vector<bool> taken(length, false);
  std::uniform_int_distribution<uint32_t> place(0, length - 1);
  for (size_t i = 0; i < count; ++i) taken[place(random)] = true;
  SparseWindow window;
  for (uint32_t i = 0; i < length; ++i) {
    if (taken[i]) window.push_back({i, static_cast<float>(1 + random() % 5)});
  }
  return window;
}

/// A histogram of 2 * size_bins * iat_bins.
inline FeatureSpec histogram_spec(uint32_t size_bins, uint32_t iat_bins) {
  HistogramSpec spec{.kind = HistogramKind::size_iat};
  spec.size.bins = size_bins;
  spec.iat_us.bins = iat_bins;
  return histogram(spec);
}

inline FeatureSpec picture_spec(uint32_t size_bins, uint32_t time_bins) {
  return flowpic({60 * kUsPerSecond, time_bins, size_bins, 1500});
}

}  // namespace flowmark::testing
