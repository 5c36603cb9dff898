#include "runtime/verdict_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "mark/dscp.h"

namespace flowmark {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// All classes of a multi-label verdict: "browsing+voip".
std::string joined(uint32_t labels, const std::vector<std::string>& classes) {
  std::string names;
  for (size_t c = 0; c < classes.size(); ++c) {
    if ((labels >> c & 1) != 0) names += (names.empty() ? "" : "+") + classes[c];
  }
  return names;
}

std::string mark_text(uint8_t mark) {
  return mark == kNoMark ? "null" : quoted(dscp_name(mark));
}

/// 6 digits; null for what JSON cannot say.
std::string fraction(float value) {
  return std::isfinite(value) ? fmt::format("{:.6f}", value) : "null";
}

}  // namespace

std::string verdict_json(const VerdictEvent& event, const ModelSet& set) {
  const bool known = event.model < set.models().size();
  const std::string model = known ? set.models()[event.model].name : "?";
  std::string name = "null";
  if (known && event.class_index != kNoClass) {
    const auto& classes = set.models()[event.model].model->classes;
    if (event.labels != 0) {
      name = quoted(joined(event.labels, classes));
    } else if (event.class_index < classes.size()) {
      name = quoted(classes[event.class_index]);
    }
  }
  const bool differs = event.mark_to_lan != event.mark;
  return fmt::format(
      R"({{"time_us":{},"flow":{},"model":{},"class":{},"confidence":{},"provisional":{},)"
      R"("changed":{},"final":{},"flow_start_us":{},"packets":{},"bytes":{},"mark":{}{}}})",
      event.time_us, quoted(to_string(event.key, event.up_is_a)), quoted(model), name,
      fraction(event.confidence), event.provisional, event.changed, event.final,
      event.flow_start_us, event.packets, event.bytes, mark_text(event.mark),
      differs ? R"(,"mark_to_lan":)" + mark_text(event.mark_to_lan) : std::string());
}

void VerdictWriter::on_verdict(const VerdictEvent& event) noexcept {
  if (!error_.empty()) return;
  try {
    write_(verdict_json(event, set_) + "\n");
  } catch (const std::exception& error) {
    error_ = error.what();
  }
}

}  // namespace flowmark
