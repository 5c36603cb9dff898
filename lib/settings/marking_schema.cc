#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mark/live_mark.h"
#include "settings/settings_schema.h"

namespace flowmark {
namespace {

using schema::boolean;
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

/// Named classes replace or extend those of the profile.
void read_classes(const Place& place, const YamlNode& node, ClassMapSettings& out) {
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

/// A mark that nobody needs to be admitted to.
void read_plain_mark(const Place& place, const YamlNode& node, const char* who,
                     std::optional<Dscp>& out) {
  std::optional<Dscp> mark;
  if (!read_mark(place, node, mark)) return;
  if (mark && live_mark_of(*mark) != LiveMark::none) {
    place.wrong(node, fmt::format("expected a mark below CS4 (32): {} get this", who));
  } else {
    out = mark;
  }
}

void read_fallback(const Place& place, const YamlNode& node, MarkingSettings& out) {
  read_plain_mark(place, node, "flows that are refused one", out.fallback);
}

void read_wash(const Place& place, const YamlNode& node, MarkingSettings& out) {
  read_plain_mark(place, node, "packets without a verdict", out.wash);
}

/// Flows are compared with each range when they begin.
void read_trust(const Place& place, const YamlNode& node, MarkingSettings& out) {
  constexpr size_t kMost = 256;
  read_prefixes(place, node, out.trust);
  if (out.trust.size() > kMost) {
    place.wrong(node, fmt::format("expected at most {} address ranges", kMost));
  }
}

Fields<ClassMapSettings> map_fields() {
  return {{"profile", [](const Place& place, const YamlNode& node,
                         ClassMapSettings& out) { read_profile(place, node, out.profile); }},
          {"classes", read_classes}};
}

/// The maps in full, once profile and single classes are known.
void complete(MarkingSettings& marking) {
  marking.classes =
      overlaid(marks_of(marking.map.profile.value_or(MarkProfile::rfc4594)), marking.map.classes);
  const ClassMarks lan =
      marking.lan_map.profile ? marks_of(*marking.lan_map.profile) : marking.classes;
  marking.lan_classes = overlaid(lan, marking.lan_map.classes);
}

Fields<MarkingSettings> marking_fields() {
  Fields<MarkingSettings> fields;
  for (schema::Field<ClassMapSettings>& field : map_fields()) {
    fields.push_back({field.key, [read = std::move(field.read)](
                                     const Place& place, const YamlNode& node,
                                     MarkingSettings& out) { read(place, node, out.map); }});
  }
  const Fields<MarkingSettings> others{
      word("mode", &MarkingSettings::mode,
           {{"always", MarkMode::always},
            {"unmarked", MarkMode::unmarked},
            {"report", MarkMode::report}}),
      schema::section("towards_lan", &MarkingSettings::lan_map, map_fields()),
      {"wash", read_wash},
      boolean("pcp", &MarkingSettings::pcp),
      {"trust", read_trust},
      real("ef_share_max", &MarkingSettings::ef_share_max, 0, 1),
      number("link_mbit", &MarkingSettings::link_mbit, 0, 1'000'000),
      number("ef_flow_kbit", &MarkingSettings::ef_flow_kbit, 0, kMostKbit),
      number("ef_host_kbit", &MarkingSettings::ef_host_kbit, 0, kMostKbit),
      number("af4_flow_kbit", &MarkingSettings::af4_flow_kbit, 0, kMostKbit),
      number("hold_seconds", &MarkingSettings::hold_seconds, 1, 3600),
      {"fallback", read_fallback}};
  fields.insert(fields.end(), others.begin(), others.end());
  return fields;
}

}  // namespace

void read_profile(const Place& place, const YamlNode& node, std::optional<MarkProfile>& out) {
  std::vector<std::string> names;
  for (int i = 0; i < kMarkProfileCount; ++i) {
    names.emplace_back(to_string(static_cast<MarkProfile>(i)));
  }
  size_t index = 0;
  if (schema::read_word(place, node, names, index)) out = static_cast<MarkProfile>(index);
}

schema::Field<Settings> marking_section() {
  return {"marking",
          [fields = marking_fields()](const Place& place, const YamlNode& node, Settings& out) {
            schema::read_map(place, node, fields, out.marking);
            complete(out.marking);
          }};
}

}  // namespace flowmark
