#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/warning.h"
#include "flow/flow_life.h"
#include "net/parse.h"
#include "net/prefix.h"
#include "window/offline_windows.h"

namespace flowmark {

/// True if the (decompressed) file starts like a packet sequence file ("#") rather than a capture.
/// Throws Error if it cannot be read.
bool is_sequence_file(const std::filesystem::path& path);

/// Reads a packet sequence file (docs/models.md), plain, gzip, bzip2 or xz, flow by flow; packets
/// are put in time order, those of equal time stay in the file's. Throws Error naming file, line,
/// the value found and what would be right; the flows before that place have been taken by then.
void read_sequence_file(const std::filesystem::path& path,
                        const std::function<void(RecordedFlow&&)>& take);

struct FlowReadOptions {
  std::vector<Prefix> inside;  ///< where upstream comes from; empty: from who began the flow
  ParseOptions parse;          ///< tunnels to look into
  FlowTimeouts timeouts;       ///< when a flow has ended
  /// Is told what was left out although a person may have counted on it.
  std::function<void(const std::string&)> warn = print_warning;
};

/// Reads a capture into conversations, in order of their first packets. Packets come in the file's
/// order with the times of its clock, as replay has them (capture/capture_clock.h). Conversations
/// begin and end as live (flow/flow_life.h): a 5-tuple that is used again after its end is another
/// conversation, of the same name. Upstream is the source in `inside` prefixes, else (neither or
/// both ends inside) who began. Same parser, key and fragment rules as live; packets without a flow
/// (not IP, truncated, malformed) are left out. A capture that is cut off or damaged gives the
/// flows up to there, then the Error. Packets captured too short for their headers are told to
/// `options.warn`; where they leave no flow at all, that is an Error.
void read_capture_flows(const std::filesystem::path& path, const FlowReadOptions& options,
                        const std::function<void(RecordedFlow&&)>& take);

/// Appends a flow in the form that read_sequence_file reads, attributes and pure ACKs included.
/// Throws Error: a name, label or attribute that holds a comma, '=' in a key or an end of line; a
/// packet without a size; times that run back.
void append_sequence(const RecordedFlow& flow, std::string& text);

/// Any of these or a file of the published FlowPic form (capture/flowpic_csv.h), by content.
void read_flows(const std::filesystem::path& path, const FlowReadOptions& options,
                const std::function<void(RecordedFlow&&)>& take);

}  // namespace flowmark
