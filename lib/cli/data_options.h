#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/usage_error.h"
#include "data/load_examples.h"

namespace flowmark {

/// The options that `train` and `eval` share: which recordings, cut into which windows.
struct DataOptions {
  std::vector<std::string> data;
  std::string label_key = "label";
  std::string data_root;
  std::vector<uint32_t> prefix_packets;
  std::vector<double> prefix_seconds;
  bool no_prefixes = false;
  bool no_tiles = false;
  double hop_s = 0;
  uint32_t min_packets = 10;
  double min_span_s = 0;
  bool is_served = false;  ///< cut at the daemon's moments
  ServedOptions served;
  uint32_t threads = 0;
  bool json = false;

  void add_to(CLI::App& command);
  /// --windows and the numbers of its policy, by which windows are cut at the daemon's moments.
  void add_served_to(CLI::App& command);
  /// What is to be cut. `otherwise`: the prefixes where the command line says nothing of them
  /// (data/prefixes.h). Throws UsageError.
  CutOptions cut(const std::vector<FlowPrefix>& otherwise) const;
  /// Says on standard error what is left out. Throws Error when a file cannot be read.
  std::vector<DataSource> sources() const;
};

/// `--data-root`, into `root`.
void add_data_root_option(CLI::App& command, std::string& root);
/// find_sources; what is absent is said on standard error, a line each. Throws Error also when
/// nothing is left.
std::vector<DataSource> sources_there(const std::vector<std::string>& data,
                                      const std::string& label_key, const std::string& data_root);

/// The entries to judge by, and which of their flows. An entry says its split, or each of its flows
/// does. By default what is for the test is judged, and what is for nothing in particular unless
/// other entries are for the test. Throws Error when no
/// entry has the split.
std::vector<DataSource> sources_of_split(std::vector<DataSource> sources, const std::string& split);

}  // namespace flowmark
