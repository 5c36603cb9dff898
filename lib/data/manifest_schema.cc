#include "data/manifest_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include "base/error.h"
#include "schema/schema.h"

namespace flowmark {
namespace {

using schema::boolean;
using schema::Fields;
using schema::number;
using schema::optional;
using schema::Place;
using schema::text;
using schema::text_or_texts;

constexpr uint32_t kMostTimes = 100;  // every training window is listed so often

void read_path(const Place& place, const YamlNode& node, DataSource& out) {
  std::string value;
  if (!schema::read_text(place, node, value)) return;
  if (value.empty()) place.wrong(node, "expected a capture or packet sequence file");
  out.path = value;
}

void read_split(const Place& place, const YamlNode& node, DataSource& out) {
  static const std::vector<std::string> kSplits{"train", "validation", "test"};
  size_t index = 0;
  if (node.kind == YamlNode::Kind::scalar && node.text.empty()) return;
  if (schema::read_word(place, node, kSplits, index)) out.split = kSplits[index];
}

void read_session_pattern(const Place& place, const YamlNode& node, DataSource& out) {
  std::string pattern;
  if (!schema::read_text(place, node, pattern)) return;
  const RE2 expression(pattern, RE2::Quiet);
  if (pattern.empty() || (expression.ok() && expression.NumberOfCapturingGroups() >= 1)) {
    out.session_pattern = pattern;
    return;
  }
  place.wrong(node, "expected a regular expression with a group, such as '(.*)-[0-9]+'");
}

void read_inside(const Place& place, const YamlNode& node, DataSource& out) {
  const auto take = [&out](const Place& at, const YamlNode& item) {
    std::string value;
    if (!schema::read_text(at, item, value)) return;
    try {
      out.inside.push_back(Prefix::parse(value));
    } catch (const Error& error) {
      at.wrong(item, error.what());
    }
  };
  if (node.kind == YamlNode::Kind::scalar) {
    take(place, node);
  } else {
    schema::each_item(place, node, take);
  }
}

void read_tunnels(const Place& place, const YamlNode& node, DataSource& out) {
  const std::vector<std::string> names = tunnel_names();
  schema::each_item(place, node, [&](const Place& at, const YamlNode& item) {
    size_t index = 0;
    if (schema::read_word(at, item, names, index)) out.tunnels.enter(static_cast<Tunnel>(index));
  });
}

void read_labels(const Place& place, const YamlNode& node, DataSource& out) {
  if (!schema::expect_map(place, node)) return;
  for (const auto& [key, value] : node.entries) {
    std::string label;
    if (!schema::read_text(place, key, label)) continue;
    const Place at = place.child(label);
    std::optional<std::string> to;
    if (value.kind != YamlNode::Kind::null && !schema::read_text(at, value, to.emplace())) continue;
    out.labels.emplace_back(label, to);
  }
}

const Fields<DataSource>& entry_fields() {
  static const Fields<DataSource> fields{
      optional<DataSource>({"path", read_path}),
      optional(text_or_texts("columns", &DataSource::columns)),
      optional<DataSource>({"split", read_split}),
      optional(number("times", &DataSource::times, 1, kMostTimes)),
      optional(text_or_texts("flows", &DataSource::flows)),
      optional<DataSource>({"session_pattern", read_session_pattern}),
      optional<DataSource>({"inside", read_inside}),
      optional<DataSource>({"tunnels", read_tunnels}),
      optional(boolean("infer_tcp", &DataSource::infer_tcp)),
      optional<DataSource>({"labels", read_labels}),
  };
  return fields;
}

/// True if one slip of the keyboard turns one word into the other: a letter too many, another
/// letter, or two that changed places.
bool one_slip(std::string_view a, std::string_view b) {
  if (a.size() < b.size()) std::swap(a, b);
  if (a.size() > b.size() + 1) return false;
  size_t same = 0;
  while (same < b.size() && a[same] == b[same]) ++same;
  a.remove_prefix(same);
  b.remove_prefix(same);
  if (a.size() != b.size()) return a.substr(1) == b;
  if (a.empty()) return false;
  return a.substr(1) == b.substr(1) ||
         (a.size() > 1 && a[0] == b[1] && a[1] == b[0] && a.substr(2) == b.substr(2));
}

/// An entry may have keys of its own, but none that looks like a mistyped key of a manifest.
void read_own_key(const Place& place, const YamlEntry& entry, DataSource&) {
  static const std::vector<std::string> kKnown = [] {
    std::vector<std::string> keys = schema::keys_of(entry_fields());
    keys.insert(keys.end(), {"label", "session"});
    return keys;
  }();
  const std::string& key = entry.key.text;
  if (std::ranges::find(kKnown, key) != kKnown.end()) return;
  const auto near = std::ranges::find_if(
      kKnown, [&key](const std::string& known) { return one_slip(key, known); });
  if (near != kKnown.end()) {
    place.problems.add(
        entry.key.line, place.child(key).path,
        fmt::format("unknown key: did you mean \"{}\"? A key of your own needs another name",
                    *near));
  }
}

/// Every scalar of the entry, its own keys and the manifest's.
void read_attributes(const Place& place, const YamlNode& node, DataSource& out) {
  for (const auto& [key, value] : node.entries) {
    if (key.kind != YamlNode::Kind::scalar || value.kind != YamlNode::Kind::scalar) continue;
    if (!out.attributes.emplace(key.text, value.text).second &&
        std::ranges::find(entry_fields(), key.text, &schema::Field<DataSource>::key) ==
            entry_fields().end()) {
      place.child(key.text).repeated(key);
    }
  }
}

DataSource read_entry(const Place& place, const YamlNode& node, const std::string& file,
                      const std::string& label_key) {
  DataSource source;
  source.where = fmt::format("{}:{}", file, node.line);
  source.label_key = label_key;
  schema::read_map<DataSource>(place, node, entry_fields(), source, read_own_key);
  if (node.kind != YamlNode::Kind::map && node.kind != YamlNode::Kind::null) return source;
  read_attributes(place, node, source);
  for (const auto& [key, value] : node.entries) {
    if (key.text == label_key && value.kind != YamlNode::Kind::null) {
      schema::read_text(place.child(label_key), value, source.label);
    }
  }
  if (!schema::has(node, "path")) {
    place.missing(node, "path", "a capture or packet sequence file");
  }
  if (!source.label.empty() && schema::has(node, "labels")) {
    place.problems.add(node.line, place.child("labels").path,
                       fmt::format("{} and labels: give one of the two", label_key));
  }
  return source;
}

}  // namespace

std::vector<DataSource> parse_manifest(std::string_view text, const std::filesystem::path& file,
                                       const std::string& label_key) {
  struct Manifest {
    std::vector<DataSource> sources;
  } manifest;
  const auto read_sessions = [&](const Place& place, const YamlNode& node, Manifest& out) {
    schema::each_item(place, node, [&](const Place& at, const YamlNode& entry) {
      out.sources.push_back(read_entry(at, entry, file.string(), label_key));
    });
  };
  const Fields<Manifest> fields{{"sessions", read_sessions}};
  const auto problems =
      schema::read_document(text, file.string(), [&](const Place& root, const YamlNode& document) {
        schema::read_map(root, document, fields, manifest);
        if (manifest.sources.empty()) {
          root.missing(document, "sessions", "a list of mappings with path, label, ...");
        }
      });
  if (!problems.empty()) fail("{}", fmt::join(problems, "\n"));
  return std::move(manifest.sources);
}

}  // namespace flowmark
