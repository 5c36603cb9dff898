#include <algorithm>

#include "mark/live_mark.h"
#include "settings/settings_schema.h"

namespace flowmark {
namespace {

using schema::Fields;
using schema::number;
using schema::Place;
using schema::real;
using schema::word;

/// A DSCP, or nullopt for "keep". False if it is neither, which is told.
bool read_mark(const Place& place, const YamlNode& node, std::optional<Dscp>& out) {
  const bool is_text = node.kind == YamlNode::Kind::scalar;
  out = is_text ? parse_dscp(node.text) : std::nullopt;
  if (out || (is_text && node.text == "keep")) return true;
  place.wrong(node, "expected a DSCP name (EF, AF41, CS1, LE, DF, ...), 0 to 63, or keep");
  return false;
}

/// Named classes replace or extend the defaults.
void read_classes(const Place& place, const YamlNode& node, MarkingSettings& out) {
  if (!schema::expect_map(place, node)) return;
  std::vector<std::string> seen;
  for (const auto& [key, value] : node.entries) {
    if (key.kind != YamlNode::Kind::scalar) {
      place.wrong(key, "expected a class name");
      continue;
    }
    const Place at = place.child(key.text);
    if (std::find(seen.begin(), seen.end(), key.text) != seen.end()) {
      at.repeated(key);
      continue;
    }
    seen.push_back(key.text);
    std::optional<Dscp> mark;
    if (read_mark(at, value, mark)) out.classes[key.text] = mark;
  }
}

void read_fallback(const Place& place, const YamlNode& node, MarkingSettings& out) {
  std::optional<Dscp> mark;
  if (!read_mark(place, node, mark)) return;
  if (mark && live_mark_of(*mark) != LiveMark::none) {
    place.wrong(node, "expected a mark below CS4 (32): flows that are refused one get this");
  } else {
    out.fallback = mark;
  }
}

}  // namespace

Fields<MarkingSettings> marking_fields() {
  constexpr uint32_t kMostKbit = 10'000'000;
  return {word("mode", &MarkingSettings::mode,
               {{"always", MarkMode::always},
                {"unmarked", MarkMode::unmarked},
                {"report", MarkMode::report}}),
          {"classes", read_classes},
          real("ef_share_max", &MarkingSettings::ef_share_max, 0, 1),
          number("link_mbit", &MarkingSettings::link_mbit, 0, 1'000'000),
          number("ef_flow_kbit", &MarkingSettings::ef_flow_kbit, 0, kMostKbit),
          number("ef_host_kbit", &MarkingSettings::ef_host_kbit, 0, kMostKbit),
          number("af4_flow_kbit", &MarkingSettings::af4_flow_kbit, 0, kMostKbit),
          number("hold_seconds", &MarkingSettings::hold_seconds, 1, 3600),
          {"fallback", read_fallback}};
}

}  // namespace flowmark
