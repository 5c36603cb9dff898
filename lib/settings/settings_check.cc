#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <utility>

#include "settings/settings_schema.h"

namespace flowmark {
namespace {

using schema::Place;

/// The value of a key in a mapping, or the mapping itself when it is not there: for its line.
const YamlNode& at(const YamlNode& map, const std::string& key) {
  for (const auto& [name, value] : map.entries) {
    if (name.text == key) return value;
  }
  return map;
}

/// Told already: neither a mapping nor nothing, which stands for an empty one.
bool wrong_kind(const YamlNode& item) {
  return item.kind != YamlNode::Kind::map && item.kind != YamlNode::Kind::null;
}

/// Tells a list that is longer than `most`.
void check_length(const Place& place, const YamlNode& list, size_t length, size_t most,
                  const char* right) {
  if (length <= most) return;
  place.problems.add(list.line, place.path,
                     fmt::format("{} given: at most {} {}", length, most, right));
}

bool given(const YamlNode& map, const std::string& key) {
  return &at(map, key) != &map;
}

void check_ports(const Place& root, const YamlNode& document, const Settings& settings) {
  const Place place = root.child("ports");
  const YamlNode& list = at(document, "ports");
  const size_t wanted = settings.mode == RunMode::inline_ports ? 2
                        : settings.mode == RunMode::mirror     ? 1
                                                               : 0;
  if (wanted != 0 && settings.ports.size() != wanted) {
    place.problems.add(list.line, place.path,
                       fmt::format("{} given: mode {} needs {} (name: a PCI address or a vdev "
                                   "string such as net_af_packet0,iface=eth0)",
                                   settings.ports.size(), to_string(settings.mode), wanted));
  }
  std::set<std::string> names;
  for (size_t i = 0; i < settings.ports.size() && i < list.items.size(); ++i) {
    const PortSettings& port = settings.ports[i];
    const YamlNode& item = list.items[i];
    const Place here = place.item(i);
    if (wrong_kind(item)) continue;
    if (!given(item, "name")) {
      here.missing(item, "name", "a PCI address or a vdev string");
    } else if (port.name.empty()) {
      here.child("name").wrong(at(item, "name"), "expected a PCI address or a vdev string");
    } else if (!names.insert(port.name.substr(0, port.name.find(','))).second) {
      here.child("name").wrong(at(item, "name"), "another port has this name");
    }
    if (settings.mode == RunMode::inline_ports && !given(item, "role")) {
      here.missing(item, "role", "lan or wan");
    }
  }
  if (settings.mode == RunMode::inline_ports && settings.ports.size() == 2 &&
      list.items.size() == 2 && at(list.items[0], "role").text == at(list.items[1], "role").text &&
      given(list.items[0], "role")) {
    place.problems.add(list.line, place.path,
                       fmt::format("both have role {}: one is lan, the other wan",
                                   to_string(settings.ports[0].role)));
  }
}

/// `before`: the names of the models further up the list.
void check_when(const Place& place, const YamlNode& node, const WhenSettings& when,
                const std::set<std::string>& before) {
  if (!when.model.empty() && !before.contains(when.model)) {
    place.child("model").wrong(at(node, "model"),
                               "expected the name of a model further up the list");
  }
  if (when.below && when.above && *when.below <= *when.above) {
    place.child("below").wrong(at(node, "below"), "expected more than `above`");
  }
}

void check_models(const Place& root, const YamlNode& document, const Settings& settings) {
  const Place place = root.child("models");
  const YamlNode& list = at(document, "models");
  check_length(place, list, settings.models.size(), kMaxModels, "run at once");
  std::set<std::string> names;
  for (size_t i = 0; i < settings.models.size() && i < list.items.size(); ++i) {
    const ModelSettings& model = settings.models[i];
    const YamlNode& item = list.items[i];
    const Place here = place.item(i);
    if (wrong_kind(item)) continue;
    if (!given(item, "name")) here.missing(item, "name", "a name of your choice");
    if (!given(item, "path")) here.missing(item, "path", "the model file");
    if (model.when) check_when(here.child("when"), at(item, "when"), *model.when, names);
    if (!model.name.empty() && !names.insert(model.name).second) {
      here.child("name").wrong(at(item, "name"), "another model has this name");
    }
  }
}

void check_flows(const Place& root, const YamlNode& document, const Settings& settings) {
  const YamlNode& flows = at(document, "flows");
  if (settings.flows.budget_mb == 0 || !given(document, "flows")) return;
  for (const char* key : {"capacity", "memory_mb"}) {
    if (!given(flows, key)) continue;
    root.child("flows").child(key).wrong(at(flows, key),
                                         "follows from flows.budget_mb: give one or the other");
  }
}

/// Keys of one policy that cannot all be meant.
void check_effects(const Place& place, const YamlNode& item, const FlowPolicy& policy) {
  const bool has_class = !policy.class_name.empty();
  const auto refuse = [&](const char* key, const char* reason) {
    place.child(key).wrong(at(item, key), fmt::format("{}: leave one of both out", reason));
  };
  if (has_class && !policy.mark) refuse("class", "mark: false lets packets stay as they came");
  for (const auto& [key, is_given] : {std::pair{"map", policy.map.has_value()},
                                      std::pair{"ef_host_kbit", policy.ef_host_kbit.has_value()},
                                      std::pair{"ef_share_max", policy.ef_share_max.has_value()}}) {
    if (!is_given) continue;
    if (!policy.mark) refuse(key, "mark: false lets packets stay as they came");
    if (!policy.classify && !has_class) refuse(key, "no model is asked because of classify: false");
  }
  if (policy.confidence && !policy.asks_models()) {
    refuse("confidence", has_class ? "no model is asked because of class"
                                   : "no model is asked because of classify: false");
  }
}

void check_policies(const Place& root, const YamlNode& document, const Settings& settings) {
  const Place place = root.child("policies");
  const YamlNode& list = at(document, "policies");
  check_length(place, list, settings.policies.size(), kMostPolicies, "are possible");
  std::set<std::string> names;
  const MarkingSettings& marking = settings.marking;
  for (size_t i = 0; i < settings.policies.size() && i < list.items.size(); ++i) {
    const FlowPolicy& policy = settings.policies[i];
    const YamlNode& item = list.items[i];
    const Place here = place.item(i);
    if (wrong_kind(item)) continue;
    if (!policy.name.empty() && !names.insert(policy.name).second) {
      here.child("name").wrong(at(item, "name"), "another policy has this name");
    }
    if (!policy.class_name.empty() && !marking.classes.contains(policy.class_name) &&
        !marking.lan_classes.contains(policy.class_name)) {
      std::vector<std::string> known;
      for (const auto& [name, mark] : marking.classes) known.push_back(name);
      here.child("class").wrong(
          at(item, "class"),
          fmt::format("expected a class with a mark: {}; marking.classes may name others",
                      fmt::join(known, ", ")));
    }
    check_effects(here, item, policy);
  }
}

}  // namespace

void check_settings(const Place& root, const YamlNode& document, const Settings& settings) {
  check_ports(root, document, settings);
  check_models(root, document, settings);
  check_flows(root, document, settings);
  check_policies(root, document, settings);
  if (given(document, "trusted_keys")) {
    constexpr size_t kBase64Of32Bytes = 44;
    const Place place = root.child("trusted_keys");
    const YamlNode& list = at(document, "trusted_keys");
    for (size_t i = 0; i < settings.trusted_keys.size() && i < list.items.size(); ++i) {
      if (settings.trusted_keys[i].size() != kBase64Of32Bytes) {
        place.item(i).wrong(list.items[i], "expected an Ed25519 public key, 32 bytes in base64");
      }
    }
  }
}

}  // namespace flowmark
