// The list of policies: what each key may say. What keys say together is in settings_check.cc.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/read_number.h"
#include "net/protocol.h"
#include "settings/settings_schema.h"

namespace flowmark {
namespace {

using schema::boolean;
using schema::Fields;
using schema::Place;

constexpr uint16_t kLastVlan = 4094;  // IEEE 802.1Q; 4095 is reserved
constexpr uint16_t kLastPort = 65535;

/// Calls `take(place, item)` for a value alone, or for each item of a list, which is not empty: an
/// empty list would make the policy fit all flows.
template <typename Take>
void each_value(const Place& place, const YamlNode& node, Take take) {
  if (node.kind == YamlNode::Kind::scalar) {
    take(place, node);
    return;
  }
  if (schema::expect_list(place, node) && node.items.empty()) {
    place.wrong(node, "expected at least one; leave the key out where any will do");
  }
  if (node.kind == YamlNode::Kind::list) schema::each_item(place, node, take);
}

schema::Field<FlowPolicy> prefixes(const char* key, std::vector<Prefix> FlowPolicy::*member) {
  return {key, [member](const Place& place, const YamlNode& node, FlowPolicy& out) {
            each_value(place, node, [&](const Place& at, const YamlNode& item) {
              read_prefix(at, item, out.*member);
            });
          }};
}

/// "5060" or "5060-5090".
bool read_range(std::string_view text, uint16_t most, NumberRange& out) {
  const size_t dash = text.find('-');
  unsigned first = 0, last = 0;
  if (!read_number(text.substr(0, dash), first)) return false;
  last = first;
  if (dash != std::string_view::npos && !read_number(text.substr(dash + 1), last)) return false;
  out = {static_cast<uint16_t>(first), static_cast<uint16_t>(last)};
  return first <= last && last <= most;
}

schema::Field<FlowPolicy> ranges(const char* key, std::vector<NumberRange> FlowPolicy::*member,
                                 uint16_t most, const char* right) {
  return {key, [=](const Place& place, const YamlNode& node, FlowPolicy& out) {
            each_value(place, node, [&](const Place& at, const YamlNode& item) {
              NumberRange range;
              if (item.kind == YamlNode::Kind::scalar && read_range(item.text, most, range)) {
                (out.*member).push_back(range);
              } else {
                at.wrong(item, right);
              }
            });
          }};
}

schema::Field<FlowPolicy> ports(const char* key, std::vector<NumberRange> FlowPolicy::*member) {
  return ranges(key, member, kLastPort, "expected a port 0 to 65535, or a range such as 5060-5090");
}

/// The number of a protocol's name, or the number itself.
bool read_protocol(const std::string& text, uint8_t& out) {
  for (unsigned number = 0; number <= UINT8_MAX; ++number) {
    out = static_cast<uint8_t>(number);
    if (text == protocol_name(out) || text == std::to_string(number)) return true;
  }
  return false;
}

void read_protocols(const Place& place, const YamlNode& node, FlowPolicy& out) {
  each_value(place, node, [&](const Place& at, const YamlNode& item) {
    uint8_t number = 0;
    if (item.kind == YamlNode::Kind::scalar && read_protocol(item.text, number)) {
      out.protocols.push_back(number);
    } else {
      at.wrong(item, "expected a protocol (tcp, udp, icmp, esp, ...) or its number 0 to 255");
    }
  });
}

void read_openers(const Place& place, const YamlNode& node, FlowPolicy& out) {
  size_t index = 0;
  if (!schema::read_word(place, node, {"outbound", "inbound"}, index)) return;
  out.openers = index == 0 ? Direction::up : Direction::down;
}

void read_confidence(const Place& place, const YamlNode& node, FlowPolicy& out) {
  double value = 0;
  if (schema::read_real(place, node, 0, 1, value)) out.confidence = static_cast<float>(value);
}

void read_map_of_marks(const Place& place, const YamlNode& node, FlowPolicy& out) {
  read_profile(place, node, out.map);
}

void read_ef_host(const Place& place, const YamlNode& node, FlowPolicy& out) {
  uint64_t kbit = 0;
  if (!schema::read_integer(place, node, 0, kMostKbit, kbit)) return;
  out.ef_host_kbit = static_cast<uint32_t>(kbit);
}

void read_ef_share(const Place& place, const YamlNode& node, FlowPolicy& out) {
  double share = 0;
  if (schema::read_real(place, node, 0, 1, share)) out.ef_share_max = share;
}

Fields<FlowPolicy> policy_entry_fields() {
  return {schema::text("name", &FlowPolicy::name),
          prefixes("hosts", &FlowPolicy::hosts),
          prefixes("inside", &FlowPolicy::inside),
          prefixes("outside", &FlowPolicy::outside),
          ports("ports", &FlowPolicy::ports),
          ports("inside_ports", &FlowPolicy::inside_ports),
          ports("outside_ports", &FlowPolicy::outside_ports),
          ranges("vlans", &FlowPolicy::vlans, kLastVlan,
                 "expected a VLAN 0 to 4094 (0: no tag), or a range such as 100-199"),
          {"protocols", read_protocols},
          {"direction", read_openers},
          boolean("classify", &FlowPolicy::classify),
          boolean("mark", &FlowPolicy::mark),
          schema::text("class", &FlowPolicy::class_name),
          {"map", read_map_of_marks},
          {"confidence", read_confidence},
          {"ef_host_kbit", read_ef_host},
          {"ef_share_max", read_ef_share}};
}

}  // namespace

schema::Field<Settings> policies_section() {
  return schema::sections("policies", &Settings::policies, policy_entry_fields());
}

}  // namespace flowmark
