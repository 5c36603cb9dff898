#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowmark {

struct YamlEntry;

/// A YAML document as plain data: what the schema reads. Lines count from 1. Aliases and several
/// documents are refused, so that the tree is never larger than its text.
struct YamlNode {
  enum class Kind : unsigned char { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 1;
  bool quoted = false;             ///< a scalar in quotes: text even if it looks like a number
  std::string text;                ///< of a scalar
  std::vector<YamlNode> items;     ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map, in file order

  /// How the value is shown in messages: `12`, `"text"`, `a list`, `nothing`.
  std::string shown() const;
};

struct YamlEntry {
  YamlNode key, value;
};

struct YamlSyntaxError {
  int line = 1;
  std::string message;
};

/// The document's root, or what is wrong with its syntax (thrown as YamlSyntaxError). The only file
/// that knows yaml-cpp here.
YamlNode read_yaml(std::string_view text);

}  // namespace flowmark
