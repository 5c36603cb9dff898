#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/usage_error.h"
#include "data/load_examples.h"
#include "data/split.h"

namespace flowmark {

/// The options that `train` and `eval` share: which recordings, cut into which windows.
struct DataOptions {
  std::vector<std::string> data;
  std::string label_key = "label";
  std::vector<uint32_t> prefix_packets;
  std::vector<double> prefix_seconds;
  bool no_prefixes = false;
  bool no_tiles = false;
  double hop_s = 0;
  uint32_t min_packets = 10;
  double min_span_s = 0;
  uint32_t threads = 0;
  bool json = false;

  void add_to(CLI::App& command);
  /// What is to be cut. Without prefixes on the command line: 10, 16, 32, ... packets for
  /// histograms, 2, 5, 10, ... seconds for pictures, as far as they are shorter than a window.
  /// Throws UsageError.
  CutOptions cut(const FeatureSpec& spec) const;
  std::vector<DataSource> sources() const;
};

/// How many windows of which class went where, for people and for the card.
std::string describe_split(const ExampleSet& examples, const Split& split,
                           const SplitOptions& options);

}  // namespace flowmark
