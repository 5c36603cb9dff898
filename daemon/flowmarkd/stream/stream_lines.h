#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "classify/flow_event.h"
#include "daemon/flowmarkd/reloader.h"

namespace flowmark {

/// The lines of the stream of verdicts, as docs/verdict-stream.md and its JSON Schema have them.
/// Each ends with a line end. One thread.
class StreamLines {
 public:
  static constexpr int kFormat = 1;

  using Names = std::function<std::shared_ptr<const ModelNames>(uint64_t generation)>;
  /// `settings` must outlive this. `names`: of a generation's models, or nullptr.
  StreamLines(const Settings& settings, Names names);

  std::string hello(TimeUs now_us) const;
  /// The flow's class and mark as they are now. A view, until the next call.
  std::string_view mark(const FlowEvent& flow, bool is_snapshot);
  std::string_view end(const FlowEvent& flow);
  static std::string live(uint64_t flows, uint64_t not_kept);
  static std::string lost(uint64_t lines);

 private:
  void append_flow(const FlowEvent& flow);
  void append_verdict(const FlowEvent& flow);
  void append_mark_to_lan(const FlowEvent& flow);
  void append_numbers(const FlowEvent& flow);
  const char* direction_of(const FlowEvent& flow) const;
  const ModelNames& names(uint64_t generation);

  const Settings& settings_;
  Names ask_names_;
  std::map<uint64_t, std::shared_ptr<const ModelNames>> names_;
  std::string line_;
};

}  // namespace flowmark
