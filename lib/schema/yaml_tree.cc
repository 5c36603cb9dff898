#include "schema/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace flowmark {
namespace {

int line_of(const YAML::Mark& mark) {
  return mark.is_null() ? 1 : mark.line + 1;
}

/// Builds the tree from the parser's events. A map's keys and values arrive in turn.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(leaf(mark)); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YamlSyntaxError{line_of(mark), "aliases (*name) are not supported: write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    YamlNode node = leaf(mark);
    // Plain scalars carry the tag "?", quoted ones "!".
    node.quoted = tag == "!";
    const bool empty = !node.quoted && (value.empty() || value == "~" || value == "null");
    node.kind = empty ? YamlNode::Kind::null : YamlNode::Kind::scalar;
    node.text = value;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YamlNode key;
    bool has_key = false;
  };

  static YamlNode leaf(const YAML::Mark& mark) {
    YamlNode node;
    node.line = line_of(mark);
    return node;
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind) {
    Open level;
    level.node.kind = kind;
    level.node.line = line_of(mark);
    stack_.push_back(std::move(level));
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == YamlNode::Kind::list) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      top.key = std::move(node);
      top.has_key = true;
    } else {
      top.node.entries.push_back({std::move(top.key), std::move(node)});
      top.has_key = false;
    }
  }

  YamlNode root_;
  std::vector<Open> stack_;
};

}  // namespace

std::string YamlNode::shown() const {
  constexpr size_t kLongest = 60;
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a mapping";
    case Kind::scalar:
      break;
  }
  std::string clean;
  for (const char c : text.substr(0, kLongest)) {
    clean += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  }
  if (text.size() > kLongest) clean += "...";
  return quoted ? '"' + clean + '"' : clean;
}

YamlNode read_yaml(std::string_view text) {
  try {
    std::istringstream input{std::string(text)};
    YAML::Parser parser(input);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return {};
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      throw YamlSyntaxError{1, "more than one document: a configuration is a single one"};
    }
    return builder.take();
  } catch (const YAML::Exception& error) {
    throw YamlSyntaxError{line_of(error.mark), "not YAML: " + error.msg};
  }
}

}  // namespace flowmark
