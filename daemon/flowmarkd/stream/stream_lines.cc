#include "daemon/flowmarkd/stream/stream_lines.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "mark/dscp.h"
#include "net/prefix.h"

namespace flowmark {
namespace {

constexpr size_t kGenerationsKept = 16;
constexpr size_t kHashDigits = 16;

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const char* word_of(FlowEnd reason) {
  switch (reason) {
    case FlowEnd::idle:
      return "idle";
    case FlowEnd::closed:
      return "closed";
    case FlowEnd::evicted:
      return "evicted";
    case FlowEnd::stopped:
      return "stopped";
    case FlowEnd::lost:
      return "lost";
  }
  return "?";
}

const char* word_of(LiveState state) {
  switch (state) {
    case LiveState::none:
      return "null";
    case LiveState::measuring:
      return "\"measuring\"";
    case LiveState::admitted:
      return "\"admitted\"";
    case LiveState::refused:
      return "\"refused\"";
  }
  return "null";
}

}  // namespace

StreamLines::StreamLines(const Settings& settings, Names names)
    : settings_(settings), ask_names_(std::move(names)) {}

std::string StreamLines::hello(TimeUs now_us) const {
  return fmt::format(
      R"({{"type":"hello","format":{},"program":"flowmarkd","version":"{}","time_us":{},)"
      R"("mode":"{}"}})"
      "\n",
      kFormat, FLOWMARK_VERSION, now_us, to_string(settings_.mode));
}

std::string StreamLines::live(uint64_t flows, uint64_t not_kept) {
  return fmt::format(R"({{"type":"live","flows":{},"not_kept":{}}})"
                     "\n",
                     flows, not_kept);
}

std::string StreamLines::lost(uint64_t lines) {
  return fmt::format(R"({{"type":"lost","lines":{}}})"
                     "\n",
                     lines);
}

std::string_view StreamLines::mark(const FlowEvent& flow, bool is_snapshot) {
  line_ = R"({"type":"mark",)";
  if (is_snapshot) line_ += R"("snapshot":true,)";
  append_flow(flow);
  line_ += "}\n";
  return line_;
}

std::string_view StreamLines::end(const FlowEvent& flow) {
  line_ = R"({"type":"end",)";
  append_flow(flow);
  fmt::format_to(std::back_inserter(line_),
                 R"(,"reason":"{}"}})"
                 "\n",
                 word_of(flow.end));
  return line_;
}

void StreamLines::append_flow(const FlowEvent& flow) {
  const bool a_began = flow.up_is_a != flow.began_down;
  const FlowKey& key = flow.key;
  fmt::format_to(std::back_inserter(line_),
                 R"("time_us":{},"flow":{{"protocol":{},"source":"{}","source_port":{},)"
                 R"("destination":"{}","destination_port":{},"vlan":{}}},"direction":"{}",)",
                 flow.time_us, key.protocol, to_string(a_began ? key.a : key.b),
                 (a_began ? key.a_port : key.b_port).host(), to_string(a_began ? key.b : key.a),
                 (a_began ? key.b_port : key.a_port).host(),
                 flow.vlan == FlowEvent::kNoVlan ? "null" : std::to_string(flow.vlan),
                 direction_of(flow));
  append_verdict(flow);
  append_numbers(flow);
}

void StreamLines::append_verdict(const FlowEvent& flow) {
  const ModelNames& known = names(flow.generation);
  const bool stands = flow.class_index != kNoClass;
  const bool has_model = stands && flow.model < known.models.size();
  fmt::format_to(
      std::back_inserter(line_), R"("class":{},"confidence":{},"model":{},"model_hash":{},)",
      stands ? quoted(known.verdict_name(flow.model, flow.class_index, flow.labels)) : "null",
      stands ? fmt::format("{:.6f}", flow.confidence) : "null",
      has_model ? quoted(known.models[flow.model].name) : "null",
      has_model ? quoted(known.models[flow.model].sha256.substr(0, kHashDigits)) : "null");
  if (flow.mark == kNoMark) {
    line_ += R"("mark":null,"dscp":null,)";
  } else {
    fmt::format_to(std::back_inserter(line_), R"("mark":"{}","dscp":{},)", dscp_name(flow.mark),
                   flow.mark);
  }
  append_mark_to_lan(flow);
  fmt::format_to(std::back_inserter(line_), R"("admission":{},)", word_of(flow.live));
}

void StreamLines::append_mark_to_lan(const FlowEvent& flow) {
  if (flow.mark_to_lan == flow.mark) return;
  if (flow.mark_to_lan == kNoMark) {
    line_ += R"("mark_to_lan":null,"dscp_to_lan":null,)";
    return;
  }
  fmt::format_to(std::back_inserter(line_), R"("mark_to_lan":"{}","dscp_to_lan":{},)",
                 dscp_name(flow.mark_to_lan), flow.mark_to_lan);
}

void StreamLines::append_numbers(const FlowEvent& flow) {
  fmt::format_to(std::back_inserter(line_),
                 R"("packets":[{},{}],"bytes":[{},{}],"flow_start_us":{},"last_us":{})",
                 flow.packets[0], flow.packets[1], flow.bytes[0], flow.bytes[1], flow.start_us,
                 flow.last_us);
}

// Inline the ports tell; else only the inside does, where it holds one of the two ends.
const char* StreamLines::direction_of(const FlowEvent& flow) const {
  const bool is_known =
      settings_.mode == RunMode::inline_ports ||
      contains(settings_.inside, flow.key.a) != contains(settings_.inside, flow.key.b);
  if (!is_known) return "unknown";
  return flow.began_down ? "wan-to-lan" : "lan-to-wan";
}

const ModelNames& StreamLines::names(uint64_t generation) {
  static const ModelNames none;
  auto found = names_.find(generation);
  if (found == names_.end()) {
    auto asked = ask_names_(generation);
    if (asked == nullptr) return none;
    found = names_.emplace(generation, std::move(asked)).first;
    if (names_.size() > kGenerationsKept) names_.erase(names_.begin());
    found = names_.find(generation);
  }
  return found == names_.end() ? none : *found->second;
}

}  // namespace flowmark
