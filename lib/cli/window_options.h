#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "capture/sequence_file.h"
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

  void add_to(CLI::App& command);
  TilingOptions tiling() const;
  FlowReadOptions reading() const;
};

/// A feature specification as people write it: its JSON text, a file that holds it, or the name of
/// a kind alone for that kind's defaults. Throws UsageError.
FeatureSpec parse_spec_argument(const std::string& argument);

/// Reads --inside and the like. Throws UsageError.
std::vector<Prefix> parse_prefixes(const std::vector<std::string>& texts);

/// Appends `{"flow":...,"packets":N`: the fields every line about a window begins with. The caller
/// adds its own and the closing brace.
void append_window_fields(std::string& line, const RecordedFlow& flow, const OfflineWindow& window);

}  // namespace flowmark
