#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "capture/sequence_file.h"
#include "cli/json_lines.h"
#include "cli/usage_error.h"
#include "net/prefix.h"
#include "window/offline_windows.h"

namespace flowmark {

/// The options that `features` and `infer` share: what is read and how it is cut into windows.
struct WindowOptions {
  std::string input;
  std::string output;
  double hop_s = 0;
  uint32_t min_packets = 1;
  std::vector<std::string> inside;
  std::vector<std::string> tunnels;  ///< names

  void add_to(CLI::App& command);
  TilingOptions tiling() const;
  FlowReadOptions reading() const;
};

/// A feature specification as people write it: its JSON text, a file that holds it, or a short one
/// (feature/short_spec.h). Throws UsageError.
FeatureSpec parse_spec_argument(const std::string& argument);

/// Reads --inside and the like. Throws UsageError.
std::vector<Prefix> parse_prefixes(const std::vector<std::string>& texts);

/// Sets the fields that every line about a window begins with: flow, label (if any), direction,
/// window_start_us, window, packets. `line` is empty or has been another window's of the same flow.
void set_window_fields(JsonLine& line, const RecordedFlow& flow, const OfflineWindow& window);

}  // namespace flowmark
