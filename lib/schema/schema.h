#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/yaml_tree.h"

namespace flowmark::schema {

/// Collects what is wrong, so that one run tells all of it.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void add(int line, const std::string& path, const std::string& what);
  bool empty() const noexcept { return found_.empty(); }
  /// In the order of their lines.
  std::vector<std::string> take();

 private:
  std::string file_;
  std::vector<std::pair<int, std::string>> found_;
};

/// Where a value stands: its key path and the collector of problems.
struct Place {
  Problems& problems;
  std::string path;

  Place child(const std::string& key) const {
    return {problems, path.empty() ? key : path + "." + key};
  }
  Place item(size_t index) const { return {problems, path + "[" + std::to_string(index) + "]"}; }
  /// "value V: right".
  void wrong(const YamlNode& node, const std::string& right) const;
  void missing(const YamlNode& parent, const std::string& key, const std::string& right) const;
  /// A key that is there already.
  void repeated(const YamlNode& key) const;
};

/// One key of a mapping and what reads its value into a T.
template <typename T>
struct Field {
  const char* key;
  std::function<void(const Place&, const YamlNode&, T&)> read;
};
template <typename T>
using Fields = std::vector<Field<T>>;

/// Takes an entry whose key is none of the fields.
template <typename T>
using OtherKeys = std::function<void(const Place&, const YamlEntry&, T&)>;

/// The nearest of `known` to `word`, or empty when none is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

bool expect_map(const Place& place, const YamlNode& node);
bool expect_list(const Place& place, const YamlNode& node);
/// False (and a problem) for a key that is no text, unknown, or given twice.
void unknown_key(const Place& place, const YamlNode& key, const std::vector<std::string>& known);
bool read_bool(const Place& place, const YamlNode& node, bool& out);
bool read_text(const Place& place, const YamlNode& node, std::string& out);
bool read_real(const Place& place, const YamlNode& node, double min, double max, double& out);
bool read_integer(const Place& place, const YamlNode& node, uint64_t min, uint64_t max,
                  uint64_t& out);
/// The index of the word in `words`.
bool read_word(const Place& place, const YamlNode& node, const std::vector<std::string>& words,
               size_t& out);

/// False if the mapping has no such key or nothing stands there. A node that is no mapping has
/// none.
bool has(const YamlNode& map, std::string_view key);

template <typename T>
std::vector<std::string> keys_of(const Fields<T>& fields) {
  std::vector<std::string> keys;
  for (const auto& field : fields) keys.emplace_back(field.key);
  return keys;
}

/// Reads a mapping by its table of fields. "nothing" stands for an empty mapping. Keys of no field
/// go to `others`; without it they are problems.
template <typename T>
void read_map(const Place& place, const YamlNode& node, const Fields<T>& fields, T& out,
              const OtherKeys<T>& others = {}) {
  if (!expect_map(place, node)) return;
  const std::vector<std::string> known = keys_of(fields);
  std::vector<bool> seen(fields.size());
  for (const auto& entry : node.entries) {
    const auto& [key, value] = entry;
    size_t i = 0;
    while (i < fields.size() && (key.kind != YamlNode::Kind::scalar || key.text != known[i])) ++i;
    if (i == fields.size()) {
      others&& key.kind == YamlNode::Kind::scalar ? others(place, entry, out)
                                                  : unknown_key(place, key, known);
    } else if (seen[i]) {
      place.child(key.text).repeated(key);
    } else {
      seen[i] = true;
      fields[i].read(place.child(key.text), value, out);
    }
  }
}

/// Calls `take(place, item)` for every item of a list.
template <typename Take>
void each_item(const Place& place, const YamlNode& node, Take take) {
  if (!expect_list(place, node)) return;
  for (size_t i = 0; i < node.items.size(); ++i) take(place.item(i), node.items[i]);
}

// Makers of field readers.

template <typename T, std::unsigned_integral N>
Field<T> number(const char* key, N T::*member, uint64_t min,
                uint64_t max = std::numeric_limits<N>::max()) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            uint64_t value = 0;
            if (read_integer(place, node, min, max, value)) out.*member = static_cast<N>(value);
          }};
}

template <typename T, std::floating_point F>
Field<T> real(const char* key, F T::*member, double min, double max) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            double value = 0;
            if (read_real(place, node, min, max, value)) out.*member = static_cast<F>(value);
          }};
}

template <typename T>
Field<T> boolean(const char* key, bool T::*member) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            read_bool(place, node, out.*member);
          }};
}

template <typename T>
Field<T> text(const char* key, std::string T::*member) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            read_text(place, node, out.*member);
          }};
}

/// A list of texts.
template <typename T>
Field<T> texts(const char* key, std::vector<std::string> T::*member) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            (out.*member).clear();
            each_item(place, node, [&](const Place& at, const YamlNode& item) {
              std::string value;
              if (read_text(at, item, value)) (out.*member).push_back(value);
            });
          }};
}

/// A text alone, or a list of texts.
template <typename T>
Field<T> text_or_texts(const char* key, std::vector<std::string> T::*member) {
  return {key, [=, list = texts(key, member)](const Place& place, const YamlNode& node, T& out) {
            if (node.kind == YamlNode::Kind::scalar) {
              out.*member = {node.text};
            } else {
              list.read(place, node, out);
            }
          }};
}

/// Leaves the member as it is where nothing stands behind the key.
template <typename T>
Field<T> optional(Field<T> field) {
  return {field.key,
          [read = std::move(field.read)](const Place& place, const YamlNode& node, T& out) {
            if (node.kind != YamlNode::Kind::null) read(place, node, out);
          }};
}

template <typename T, typename E>
Field<T> word(const char* key, E T::*member, std::vector<std::pair<std::string, E>> choices) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            std::vector<std::string> words;
            for (const auto& choice : choices) words.push_back(choice.first);
            size_t index = 0;
            if (read_word(place, node, words, index)) out.*member = choices[index].second;
          }};
}

template <typename T, typename S>
Field<T> section(const char* key, S T::*member, Fields<S> fields) {
  return {key,
          [member, fields = std::move(fields)](const Place& place, const YamlNode& node, T& out) {
            read_map(place, node, fields, out.*member);
          }};
}

/// A list of mappings.
template <typename T, typename S>
Field<T> sections(const char* key, std::vector<S> T::*member, Fields<S> fields) {
  return {key,
          [member, fields = std::move(fields)](const Place& place, const YamlNode& node, T& out) {
            (out.*member).clear();
            each_item(place, node, [&](const Place& at, const YamlNode& item) {
              S value;
              read_map(at, item, fields, value);
              (out.*member).push_back(std::move(value));
            });
          }};
}

/// Reads a YAML document: `read` gets its root. The problems found, a syntax error included, in the
/// order of their lines; none if all is well. They begin with `file`.
std::vector<std::string> read_document(
    std::string_view text, const std::string& file,
    const std::function<void(const Place& root, const YamlNode& document)>& read);

/// Reads a YAML document by the table of its root's fields.
template <typename T>
std::vector<std::string> read_document(std::string_view text, const std::string& file,
                                       const Fields<T>& fields, T& out) {
  return read_document(text, file, [&](const Place& root, const YamlNode& document) {
    read_map(root, document, fields, out);
  });
}

}  // namespace flowmark::schema
