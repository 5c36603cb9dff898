#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "window/offline_windows.h"

namespace flowmark {

/// True if the (decompressed) file starts like a packet sequence file rather than a capture.
bool is_sequence_file(const std::filesystem::path& path);

/// Reads a packet sequence file (docs/models.md), plain or gzip, flow by flow; packets are put in
/// time order. Throws Error naming file, line, the value found and what would be right.
void read_sequence_file(const std::filesystem::path& path,
                        const std::function<void(RecordedFlow&&)>& take);

/// Reads a capture into conversations, in order of their first packets. Upstream is the source in
/// `inside` prefixes, else the first sender. Same parser, key and fragment rules as live.
struct FlowReadOptions {
  std::vector<struct Prefix> inside;
};
void read_capture_flows(const std::filesystem::path& path, const FlowReadOptions& options,
                        const std::function<void(RecordedFlow&&)>& take);

/// Either, by content.
void read_flows(const std::filesystem::path& path, const FlowReadOptions& options,
                const std::function<void(RecordedFlow&&)>& take);

}  // namespace flowmark
