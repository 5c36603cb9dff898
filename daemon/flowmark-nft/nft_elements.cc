#include "daemon/flowmark-nft/nft_elements.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "actuator/usage_error.h"
#include "base/read_number.h"

namespace flowmark {
namespace {

using Json = nlohmann::json;

struct Family {
  std::string_view name;
  uint16_t number;
};
constexpr auto kFamilies = std::to_array<Family>({{"inet", NFPROTO_INET},
                                                  {"ip", NFPROTO_IPV4},
                                                  {"ip6", NFPROTO_IPV6},
                                                  {"bridge", NFPROTO_BRIDGE},
                                                  {"netdev", NFPROTO_NETDEV}});

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_identifier(std::string_view name) {
  const auto may_follow = [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, may_follow);
}

std::optional<IpAddress> parse_address(const std::string& text) {
  IpAddress address{};
  if (inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1) {
    address[10] = address[11] = 0xff;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

const char* address_type(const std::string& map) {
  return map == "flows4" ? "ipv4_addr" : "ipv6_addr";
}

/// nft names a protocol where the system has a name for it, in some versions in spite of the flags.
std::optional<uint8_t> parse_protocol(const Json& value) {
  if (value.is_number_unsigned()) return static_cast<uint8_t>(value.get<unsigned>());
  constexpr auto kNamed = std::to_array<std::pair<const char*, uint8_t>>(
      {{"tcp", 6}, {"udp", 17}, {"dccp", 33}, {"sctp", 132}, {"udplite", 136}});
  for (const auto& [name, number] : kNamed) {
    if (value == name) return number;
  }
  return std::nullopt;
}

std::optional<FlowTuple> parse_key(const Json& parts) {
  if (!parts.is_array() || parts.size() != 5 || !parts[0].is_string() || !parts[1].is_string() ||
      !parts[3].is_number_unsigned() || !parts[4].is_number_unsigned()) {
    return std::nullopt;
  }
  const auto source = parse_address(parts[0].get<std::string>());
  const auto destination = parse_address(parts[1].get<std::string>());
  const auto protocol = parse_protocol(parts[2]);
  if (!source || !destination || !protocol) return std::nullopt;
  FlowTuple flow;
  flow.source = *source;
  flow.destination = *destination;
  flow.protocol = *protocol;
  flow.source_port = static_cast<uint16_t>(parts[3].get<unsigned>());
  flow.destination_port = static_cast<uint16_t>(parts[4].get<unsigned>());
  return flow;
}

std::optional<Dscp> parse_value(const Json& value, NftValue kind, const MarkLayout& layout) {
  for (unsigned dscp = 0; dscp < 64; ++dscp) {
    const auto candidate = static_cast<Dscp>(dscp);
    const bool same =
        kind == NftValue::mark
            ? value == layout.value(candidate)
            : value == Json{{"jump", {{"target", NftLanguage::chain_name(candidate)}}}};
    if (same) return candidate;
  }
  return std::nullopt;
}

}  // namespace

NftLanguage::NftLanguage(std::string table, NftValue value, const MarkLayout& layout)
    : table_(std::move(table)), value_(value), layout_(layout) {
  const size_t space = table_.find(' ');
  const auto family = std::ranges::find(kFamilies, table_.substr(0, space), &Family::name);
  table_name_ = space == std::string::npos ? "" : table_.substr(space + 1);
  if (family == kFamilies.end() || !is_identifier(table_name_)) {
    throw UsageError(fmt::format(
        "--table: value {}: expected a family and a name, such as inet flowmark", table_));
  }
  family_ = family->number;
}

std::string NftLanguage::make_table() const {
  return fmt::format("add table {}\n", table_);
}

std::string NftLanguage::make_map(const std::string& map, size_t size) const {
  const char* address = address_type(map);
  return fmt::format(
      "add map {} {} {{ type {} . {} . inet_proto . inet_service . inet_service : {}; "
      "flags timeout; size {}; }}\n",
      table_, map, address, address, value_type(), size);
}

std::string NftLanguage::chain_name(Dscp dscp) {
  return fmt::format("dscp_{}", dscp);
}

std::string NftLanguage::make_chain(Dscp dscp) const {
  const std::string chain = table_ + " " + chain_name(dscp);
  return fmt::format("add chain {0}\nadd rule {0} ip dscp set {1}\nadd rule {0} ip6 dscp set {1}\n",
                     chain, dscp);
}

void NftLanguage::check_map(const std::string& map, const std::string& json) const {
  const char* address = address_type(map);
  const Json keys = {address, address, "inet_proto", "inet_service", "inet_service"};
  const Json listing = Json::parse(json, nullptr, false);
  for (const Json& object : listing.value("nftables", Json::array())) {
    if (!object.contains("map")) continue;
    if (object["map"].value("type", Json()) == keys &&
        object["map"].value("map", "") == value_type())
      return;
  }
  fail("{} {}: is there and no map of this kind; expected: {}", table_, map, make_map(map, 65536));
}

// {"nftables": [..., {"map": {"elem": [[{"elem": {"val": {"concat": [...]}, "expires": 99}},
// value]]}}]}
void NftLanguage::read_listing(const std::string& json, NftElements& elements) const {
  try {
    const Json listing = Json::parse(json);
    for (const Json& object : listing.at("nftables")) {
      if (!object.contains("map") || !object["map"].contains("elem")) continue;
      for (const Json& pair : object["map"]["elem"]) {
        const Json& inner = pair.at(0).contains("elem") ? pair.at(0).at("elem") : pair.at(0);
        const Json& value = inner.contains("val") ? inner.at("val") : inner;
        const auto flow = parse_key(value.at("concat"));
        if (!flow) continue;
        elements[*flow] = {parse_value(pair.at(1), value_, layout_), inner.value("expires", 0U)};
      }
    }
  } catch (const Json::exception& error) {
    fail("nft's listing of {} cannot be read: {}", table_, error.what());
  }
}

}  // namespace flowmark
