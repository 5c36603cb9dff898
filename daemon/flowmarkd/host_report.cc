#include "daemon/flowmarkd/host_report.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

struct ClassUse {
  ClassTag tag = kNoTag;
  std::array<uint64_t, 2> bytes{};  ///< by Direction
  uint64_t packets = 0;

  uint64_t total() const { return bytes[0] + bytes[1]; }
};

struct HostTotal {
  IpAddress address{};
  std::vector<ClassUse> classes;
  std::array<uint64_t, 2> bytes{};  ///< by Direction
  uint64_t may_lack_bytes = 0;
  uint64_t rank = 0;  ///< bytes by which hosts are ordered
};

void add_to(HostTotal& host, const HostUse& use) {
  auto of_class = std::ranges::find(host.classes, use.tag, &ClassUse::tag);
  if (of_class == host.classes.end()) {
    of_class = host.classes.insert(of_class, ClassUse{.tag = use.tag});
  }
  for (size_t side = 0; side < 2; ++side) {
    of_class->bytes[side] += use.bytes[side];
    host.bytes[side] += use.bytes[side];
  }
  of_class->packets += use.packets;
  host.may_lack_bytes += use.may_lack_bytes;
}

/// By address, so that the order of equals is the same each time.
std::vector<HostTotal> add_up(const std::vector<HostUse>& uses) {
  std::map<IpAddress, HostTotal> by_address;
  for (const HostUse& use : uses) {
    HostTotal& host = by_address[use.host];
    host.address = use.host;
    add_to(host, use);
  }
  std::vector<HostTotal> hosts;
  for (auto& [address, host] : by_address) hosts.push_back(std::move(host));
  return hosts;
}

uint64_t rank_of(const HostTotal& host, const std::string& class_name, const ClassNames& names) {
  uint64_t rank = 0;
  for (const ClassUse& use : host.classes) {
    const auto name = names.find(use.tag);
    const bool counts =
        class_name.empty() || (name != names.end() && name->second.name == class_name);
    if (counts) rank += use.total();
  }
  return rank;
}

Json to_json(const ClassUse& use, const ClassNames& names) {
  const auto name = names.find(use.tag);
  const bool has_name = name != names.end();
  return {{"class", has_name ? Json(name->second.name) : Json()},
          {"model", has_name ? Json(name->second.model) : Json()},
          {"bytes", use.bytes},
          {"packets", use.packets}};
}

Json to_json(HostTotal& host, const std::vector<HostGroup>& groups, const ClassNames& names) {
  std::ranges::stable_sort(host.classes, std::greater(), &ClassUse::total);
  auto classes = Json::array();
  for (const ClassUse& use : host.classes) classes.push_back(to_json(use, names));
  const uint8_t group = group_of(groups, host.address);
  return {{"host", flowmark::to_string(host.address)},
          {"group", group == kNoGroup ? Json() : Json(groups[group].name)},
          {"bytes", host.bytes},
          {"may_lack_bytes", host.may_lack_bytes},
          {"classes", std::move(classes)}};
}

}  // namespace

Json host_report(const std::vector<HostUse>& uses, const HostQuestion& question,
                 const std::vector<HostGroup>& groups, const ClassNames& names) {
  std::vector<HostTotal> hosts = add_up(uses);
  for (HostTotal& host : hosts) host.rank = rank_of(host, question.class_name, names);
  std::erase_if(hosts, [](const HostTotal& host) { return host.rank == 0; });
  std::ranges::stable_sort(hosts, std::greater(), &HostTotal::rank);
  if (hosts.size() > question.most) hosts.resize(question.most);
  auto out = Json::array();
  for (HostTotal& host : hosts) out.push_back(to_json(host, groups, names));
  return out;
}

}  // namespace flowmark
