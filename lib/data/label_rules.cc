#include "data/label_rules.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "schema/yaml_tree.h"

namespace flowmark {
namespace {

struct Endpoint {
  IpAddress address{};
  uint16_t port = 0;
};

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// "192.0.2.1:443", "[2001:db8::1]:443", or an address without a port.
Endpoint parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  const size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const bool has_port = colon != std::string_view::npos &&
                        (bracketed ? text[colon - 1] == ']' : text.find(':') == colon);
  std::string_view host = has_port ? text.substr(0, colon) : text;
  if (has_port) endpoint.port = parse_port(text.substr(colon + 1)).value_or(0);
  if (bracketed) host = host.substr(1, host.size() - 2);
  endpoint.address = Prefix::parse(std::string(host)).address;
  return endpoint;
}

const YamlNode* find(const YamlNode& map, std::string_view key) {
  const auto found =
      std::ranges::find_if(map.entries, [key](const auto& entry) { return entry.key.text == key; });
  return found == map.entries.end() ? nullptr : &found->value;
}

}  // namespace

LabelRules::LabelRules(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) fail("{}: cannot be read", file.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  YamlNode root;
  try {
    root = read_yaml(text);
  } catch (const YamlSyntaxError& error) {
    fail("{}:{}: {}", file.string(), error.line, error.message);
  }
  const YamlNode* rules = find(root, "rules");
  if (rules == nullptr || rules->kind != YamlNode::Kind::list) {
    fail("{}:{}: there should be a list `rules`", file.string(), root.line);
  }
  for (const YamlNode& node : rules->items) {
    const YamlNode *label = find(node, "label"), *host = find(node, "host"),
                   *port = find(node, "port");
    if (label == nullptr || (host == nullptr && port == nullptr)) {
      fail("{}:{}: a rule needs `label` and `host` or `port`", file.string(), node.line);
    }
    Rule rule{label->text, std::nullopt, std::nullopt};
    if (host != nullptr) rule.host = Prefix::parse(host->text);
    if (port != nullptr) {
      rule.port = parse_port(port->text);
      if (!rule.port) {
        fail("{}:{}: port: value {}: should be 0 to 65535", file.string(), port->line,
             port->shown());
      }
    }
    rules_.push_back(std::move(rule));
  }
}

std::string LabelRules::label_of(std::string_view flow) const {
  const size_t first = flow.find(' ');
  const size_t second = flow.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return {};
  const Endpoint ends[2] = {parse_endpoint(flow.substr(first + 1, second - first - 1)),
                            parse_endpoint(flow.substr(second + 1))};
  for (const Rule& rule : rules_) {
    const bool fits = std::ranges::any_of(ends, [&](const Endpoint& end) {
      return (!rule.host || rule.host->contains(end.address)) &&
             (!rule.port || *rule.port == end.port);
    });
    if (fits) return rule.label;
  }
  return {};
}

}  // namespace flowmark
