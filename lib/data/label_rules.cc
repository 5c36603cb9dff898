#include "data/label_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/read_number.h"
#include "schema/schema.h"

namespace flowmark {
namespace {

using schema::Fields;
using schema::Place;

struct Endpoint {
  IpAddress address{};
  uint16_t port = 0;
};

// "192.0.2.1:443", "[2001:db8::1]:443", or an address without a port.
Endpoint parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  const size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const bool has_port = colon != std::string_view::npos &&
                        (bracketed ? text[colon - 1] == ']' : text.find(':') == colon);
  std::string_view host = has_port ? text.substr(0, colon) : text;
  if (has_port && !read_number(text.substr(colon + 1), endpoint.port)) endpoint.port = 0;
  if (bracketed) host = host.substr(1, host.size() - 2);
  endpoint.address = Prefix::parse(std::string(host)).address;
  return endpoint;
}

void read_host(const Place& place, const YamlNode& node, LabelRule& out) {
  std::string value;
  if (!schema::read_text(place, node, value)) return;
  try {
    out.host = Prefix::parse(value);
  } catch (const Error& error) {
    place.wrong(node, error.what());
  }
}

void read_port(const Place& place, const YamlNode& node, LabelRule& out) {
  uint64_t port = 0;
  if (schema::read_integer(place, node, 0, UINT16_MAX, port)) {
    out.port = static_cast<uint16_t>(port);
  }
}

struct Document {
  std::vector<std::string> inside;  // for the readers of captures; rules do not need it
  std::vector<LabelRule> rules;
};

void read_rules(const Place& place, const YamlNode& node, Document& out) {
  const Fields<LabelRule> fields{
      schema::text("label", &LabelRule::label), {"host", read_host}, {"port", read_port}};
  schema::each_item(place, node, [&](const Place& at, const YamlNode& item) {
    LabelRule rule;
    schema::read_map(at, item, fields, rule);
    if (!schema::has(item, "label")) at.missing(item, "label", "what flows of the rule are");
    if (!schema::has(item, "host") && !schema::has(item, "port")) {
      at.missing(item, "host", "an address or prefix, or a port");
    }
    out.rules.push_back(std::move(rule));
  });
}

}  // namespace

LabelRules::LabelRules(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) fail("{}: cannot be read", file.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Document document;
  const Fields<Document> fields{schema::texts("inside", &Document::inside), {"rules", read_rules}};
  const auto problems =
      schema::read_document(text, file.string(), [&](const Place& root, const YamlNode& node) {
        schema::read_map(root, node, fields, document);
        if (!schema::has(node, "rules")) root.missing(node, "rules", "a list of rules");
      });
  if (!problems.empty()) fail("{}", fmt::join(problems, "\n"));
  rules_ = std::move(document.rules);
}

std::string LabelRules::label_of(std::string_view flow) const {
  const size_t first = flow.find(' ');
  const size_t second = flow.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return {};
  const Endpoint ends[2] = {parse_endpoint(flow.substr(first + 1, second - first - 1)),
                            parse_endpoint(flow.substr(second + 1))};
  for (const LabelRule& rule : rules_) {
    const bool fits = std::ranges::any_of(ends, [&](const Endpoint& end) {
      return (!rule.host || rule.host->contains(end.address)) &&
             (!rule.port || *rule.port == end.port);
    });
    if (fits) return rule.label;
  }
  return {};
}

}  // namespace flowmark
