#include "schema/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/read_number.h"

namespace flowmark::schema {
namespace {

/// Insertions, deletions and substitutions that turn one word into the other.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string quoted_list(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string range_text(double min, double max) {
  return fmt::format("a number {} to {}", min, max);
}

}  // namespace

void Problems::add(int line, const std::string& path, const std::string& what) {
  found_.emplace_back(line, path.empty() ? fmt::format("{}:{}: {}", file_, line, what)
                                         : fmt::format("{}:{}: {}: {}", file_, line, path, what));
}

std::vector<std::string> Problems::take() {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> lines;
  for (auto& [line, message] : found_) lines.push_back(std::move(message));
  found_.clear();
  return lines;
}

void Place::wrong(const YamlNode& node, const std::string& right) const {
  problems.add(node.line, path, fmt::format("value {}: {}", node.shown(), right));
}

void Place::missing(const YamlNode& parent, const std::string& key,
                    const std::string& right) const {
  problems.add(parent.line, child(key).path, "missing: " + right);
}

void Place::repeated(const YamlNode& key) const {
  problems.add(key.line, path, "given twice: keep one of them");
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  constexpr size_t kLongestKey = 64;
  if (word.size() > kLongestKey) return {};
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    const bool longer_form = distance == best_distance && candidate.starts_with(word);
    if ((distance < best_distance || longer_form) && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

bool expect_map(const Place& place, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::map || node.kind == YamlNode::Kind::null) return true;
  place.wrong(node, "expected a mapping (key: value)");
  return false;
}

bool expect_list(const Place& place, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::list || node.kind == YamlNode::Kind::null) return true;
  place.wrong(node, "expected a list ([a, b] or one \"- item\" a line)");
  return false;
}

void unknown_key(const Place& place, const YamlNode& key, const std::vector<std::string>& known) {
  if (key.kind != YamlNode::Kind::scalar) {
    place.problems.add(key.line, place.path,
                       fmt::format("key {}: expected one of {}", key.shown(), quoted_list(known)));
    return;
  }
  const std::string near = did_you_mean(key.text, known);
  const std::string right =
      near.empty() ? "known here: " + quoted_list(known) : "did you mean \"" + near + "\"?";
  YamlNode name = key;
  name.quoted = false;
  const Place at = place.child(name.shown());
  place.problems.add(key.line, at.path, "unknown key: " + right);
}

bool has(const YamlNode& map, std::string_view key) {
  return std::any_of(map.entries.begin(), map.entries.end(), [key](const YamlEntry& entry) {
    return entry.key.kind == YamlNode::Kind::scalar && entry.key.text == key &&
           entry.value.kind != YamlNode::Kind::null;
  });
}

bool read_bool(const Place& place, const YamlNode& node, bool& out) {
  if (node.kind == YamlNode::Kind::scalar && !node.quoted) {
    const bool yes = node.text == "true" || node.text == "yes" || node.text == "on";
    if (yes || node.text == "false" || node.text == "no" || node.text == "off") {
      out = yes;
      return true;
    }
  }
  place.wrong(node, "expected true or false");
  return false;
}

bool read_text(const Place& place, const YamlNode& node, std::string& out) {
  if (node.kind != YamlNode::Kind::scalar) {
    place.wrong(node, "expected a text");
    return false;
  }
  out = node.text;
  return true;
}

bool read_real(const Place& place, const YamlNode& node, double min, double max, double& out) {
  double value = 0;
  if (node.kind == YamlNode::Kind::scalar && !node.quoted && read_number(node.text, value) &&
      std::isfinite(value) && value >= min && value <= max) {
    out = value;
    return true;
  }
  place.wrong(node, "expected " + range_text(min, max));
  return false;
}

bool read_integer(const Place& place, const YamlNode& node, uint64_t min, uint64_t max,
                  uint64_t& out) {
  uint64_t value = 0;
  if (node.kind == YamlNode::Kind::scalar && !node.quoted && read_number(node.text, value) &&
      value >= min && value <= max) {
    out = value;
    return true;
  }
  place.wrong(node, fmt::format("expected a whole number {} to {}", min, max));
  return false;
}

bool read_word(const Place& place, const YamlNode& node, const std::vector<std::string>& words,
               size_t& out) {
  if (node.kind == YamlNode::Kind::scalar) {
    const auto found = std::find(words.begin(), words.end(), node.text);
    if (found != words.end()) {
      out = static_cast<size_t>(found - words.begin());
      return true;
    }
    const std::string near = did_you_mean(node.text, words);
    if (!near.empty()) {
      place.wrong(node,
                  fmt::format("did you mean \"{}\"? Expected one of {}", near, quoted_list(words)));
      return false;
    }
  }
  place.wrong(node, "expected one of " + quoted_list(words));
  return false;
}

std::vector<std::string> read_document(
    std::string_view text, const std::string& file,
    const std::function<void(const Place& root, const YamlNode& document)>& read) {
  Problems problems(file);
  try {
    read({problems, ""}, read_yaml(text));
  } catch (const YamlSyntaxError& error) {
    problems.add(error.line, "", error.message);
  }
  return problems.take();
}

}  // namespace flowmark::schema
