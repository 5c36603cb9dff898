#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/flowmarkd/append_file.h"
#include "daemon/flowmarkd/stream/live_flows.h"
#include "daemon/flowmarkd/stream/stream_lines.h"
#include "daemon/flowmarkd/stream/stream_reader.h"

struct pollfd;

namespace flowmark {

/// What the stream has counted. Any thread reads it.
struct StreamCounts {
  std::atomic<uint64_t> readers{0}, flows{0};  // now
  std::atomic<uint64_t> lines{0};              // for all readers alike
  std::atomic<uint64_t> lost_to_readers{0}, lost_to_file{0}, not_kept{0}, silent{0};
};

/// The stream of verdicts (docs/verdict-stream.md): takes the workers' flow events, keeps the flows
/// that live, and tells all readers of its socket, and a file. A slow reader loses lines; it keeps
/// nobody waiting. One thread; the counts and reopen_file() from any.
class VerdictStream {
 public:
  static constexpr size_t kMaxReaders = 16;

  /// Opens the socket and the file of `settings.verdict_stream`. Throws Error.
  VerdictStream(const Settings& settings, StreamLines::Names names);
  /// Ends all connections and removes the socket.
  ~VerdictStream();
  VerdictStream(const VerdictStream&) = delete;
  VerdictStream& operator=(const VerdictStream&) = delete;
  /// Throws Error, as the constructor would. `may_be_in_use`: by the daemon that is looked besides.
  static void check(const StreamSettings& settings, bool may_be_in_use);

  void take(FlowEvent event);
  /// So many events were lost on their way from a worker.
  void take_loss(uint64_t events);

  /// What serve() wants to wait for, behind `descriptors`.
  void add_descriptors(std::vector<pollfd>& descriptors) const;
  /// Accepts readers, tells them what there is, and lets go of those that are gone. Call it after
  /// events were taken, and some 20 times a second in any case.
  void serve();
  /// Tells the end of all flows. Readers that can be reached within `patience_ms` get all.
  void finish(int patience_ms);

  /// The file is opened anew with the next serve().
  void reopen_file() noexcept { reopen_ = true; }
  const StreamCounts& counts() const noexcept { return counts_; }

 private:
  void tell(std::string_view line);
  static uint64_t pass(std::string_view line, StreamReader& reader);
  void accept_readers();
  void forget_silent_flows();
  void look_after_file();
  void begin_file();
  void continue_snapshot(StreamReader& reader);
  bool discard_input(const StreamReader& reader) const;
  void serve_readers();
  bool wait_for_readers(int64_t end_ms);

  StreamSettings settings_;
  StreamLines lines_;
  LiveFlows flows_;
  int listen_ = -1;
  std::list<StreamReader> readers_;
  std::unique_ptr<AppendFile> file_;
  std::optional<StreamReader> to_file_;
  std::atomic<bool> reopen_{false};
  bool told_of_file_ = false;  ///< the log knows that the file cannot be opened anew
  int64_t looked_ms_ = 0;      ///< at the file
  StreamCounts counts_;
};

}  // namespace flowmark
