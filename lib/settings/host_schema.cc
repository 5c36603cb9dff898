// Hosts in the configuration: address ranges, and groups of them.
#include <fmt/format.h>

#include <algorithm>

#include "settings/settings_schema.h"

namespace flowmark {

using schema::Place;

bool is_name(const std::string& name) {
  constexpr size_t kLongest = 63;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

void read_prefix(const Place& place, const YamlNode& node, std::vector<Prefix>& out) {
  std::string value;
  if (!schema::read_text(place, node, value)) return;
  try {
    out.push_back(Prefix::parse(value));
  } catch (const Error&) {
    place.wrong(node, "expected an address range such as 10.0.0.0/8 or 2001:db8::/32");
  }
}

void read_prefixes(const Place& place, const YamlNode& node, std::vector<Prefix>& out) {
  out.clear();
  schema::each_item(place, node,
                    [&](const Place& at, const YamlNode& item) { read_prefix(at, item, out); });
}

void read_host_groups(const Place& place, const YamlNode& node, Settings& out) {
  constexpr size_t kMostRanges = 256;
  out.host_groups.clear();
  if (!schema::expect_map(place, node)) return;
  for (const auto& [key, value] : node.entries) {
    const Place at = place.child(key.text);
    if (!is_name(key.text)) {
      at.wrong(key, "expected a name of at most 63 letters, digits and . _ -");
    } else if (std::ranges::find(out.host_groups, key.text, &HostGroup::name) !=
               out.host_groups.end()) {
      at.repeated(key);
    } else {
      HostGroup& group = out.host_groups.emplace_back(HostGroup{key.text, {}});
      read_prefixes(at, value, group.prefixes);
      if (group.prefixes.size() > kMostRanges) {
        at.wrong(value, fmt::format("expected at most {} address ranges", kMostRanges));
      }
    }
  }
  if (out.host_groups.size() > kMaxHostGroups) {
    place.wrong(node, fmt::format("expected at most {} groups of hosts", kMaxHostGroups));
  }
}

}  // namespace flowmark
