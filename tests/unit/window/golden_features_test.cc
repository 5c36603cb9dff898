#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "window/offline_windows.h"

namespace flowmark {
namespace {

using nlohmann::json;

const std::filesystem::path kFolder =
    std::filesystem::path(FLOWMARK_SOURCE_DIR) / "tests/golden/features";

/// flows.csv, read with nothing of the library's own reader.
std::vector<RecordedFlow> read_flows() {
  std::vector<RecordedFlow> flows;
  std::ifstream file(kFolder / "flows.csv");
  TimeUs now = 0;
  for (std::string line; std::getline(file, line);) {
    const size_t comma = line.find(',');
    const size_t last = line.rfind(',');
    if (line[0] == '#') {
      flows.push_back({line.substr(1, comma - 1), line.substr(comma + 1, last - comma - 1), {}});
      now = std::llround(std::strtold(line.c_str() + last + 1, nullptr) * 1e6L);
      continue;
    }
    now += std::stoll(line);
    const int size = std::stoi(line.substr(comma + 1));
    flows.back().packets.push_back({now, static_cast<uint16_t>(std::abs(size)),
                                    size > 0 ? Direction::up : Direction::down, false});
  }
  for (RecordedFlow& flow : flows) {
    std::stable_sort(
        flow.packets.begin(), flow.packets.end(),
        [](const FlowPacket& a, const FlowPacket& b) { return a.time_us < b.time_us; });
  }
  return flows;
}

SparseWindow features_of(const json& line, const FeatureSpec& spec) {
  SparseWindow features;
  if (spec.image()) {
    for (const json& pixel : line["pixels"]) {
      features.push_back({pixel[1].get<uint32_t>() * spec.image()->width + pixel[0].get<uint32_t>(),
                          pixel[2].get<float>()});
    }
  } else {
    for (const json& bin : line["bins"]) {
      features.push_back({bin[0].get<uint32_t>(), bin[1].get<float>()});
    }
  }
  return features;
}

class GoldenFeatures : public testing::TestWithParam<const char*> {};

// What numpy computes from the definitions (make_expected.py beside the files) is what we cut.
TEST_P(GoldenFeatures, AreThoseOfNumpy) {
  std::ifstream file(kFolder / (std::string(GetParam()) + ".jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  const FeatureSpec spec = FeatureSpec::from_json(json::parse(line)["spec"].dump(), GetParam());
  size_t windows = 0;
  for (const RecordedFlow& flow : read_flows()) {
    cut_windows(flow, spec, {}, [&](const OfflineWindow& window) {
      ASSERT_TRUE(std::getline(file, line)) << "more windows than expected";
      SCOPED_TRACE(line.substr(0, 120));
      const json expected = json::parse(line);
      ++windows;
      EXPECT_EQ(flow.name, expected["flow"]);
      EXPECT_EQ(flow.label, expected["label"]);
      EXPECT_EQ(to_string(window.side), expected["direction"]);
      EXPECT_EQ(window.start_us, expected["window_start_us"]);
      EXPECT_EQ(window.number, expected["window"]);
      EXPECT_EQ(window.packets, expected["packets"]);
      EXPECT_EQ(window.features, features_of(expected, spec));
    });
  }
  EXPECT_FALSE(std::getline(file, line)) << "fewer windows than expected";
  EXPECT_GT(windows, 0U);
}

INSTANTIATE_TEST_SUITE_P(Specs, GoldenFeatures,
                         testing::Values("flowpic", "flowpic_small", "size_iat", "size_iat_256",
                                         "burst_surge", "combined"));

}  // namespace
}  // namespace flowmark
