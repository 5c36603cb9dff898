#include "model/onnx/model_metadata.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/error.h"

namespace flowmark {
namespace {

using nlohmann::json;

constexpr size_t kMaxClasses = 254;  // a class is a byte, 255 means none
constexpr size_t kMaxNameLength = 128;
constexpr size_t kMaxGoldenWindows = 256;
constexpr int kMaxJsonDepth = 16;
// A byte of JSON can become some thirty in memory.
constexpr size_t kMaxGoldenBytes = 8 << 20;
constexpr size_t kMaxTextBytes = 1 << 20;  // of the other keys

constexpr const char* kVersion = "flowmark.version";
constexpr const char* kTask = "flowmark.task";
constexpr const char* kClasses = "flowmark.classes";
constexpr const char* kInput = "flowmark.input";
constexpr const char* kMultilabel = "flowmark.multilabel";
constexpr const char* kGolden = "flowmark.golden";
constexpr const char* kCard = "flowmark.card";
constexpr const char* kVersionValue = "1";

using Properties = std::map<std::string, std::string>;

const std::string& required(const Properties& properties, const char* key) {
  const auto found = properties.find(key);
  if (found == properties.end()) {
    fail("metadata key '{}' is missing (docs/models.md lists the keys)", key);
  }
  return found->second;
}

json parse_json(const std::string& text, const char* key) {
  // Deeper nesting than any key needs would make later recursion dangerous.
  const auto shallow = [key](int depth, json::parse_event_t /*event*/, json& /*value*/) {
    if (depth > kMaxJsonDepth) fail("{} is nested too deeply", key);
    return true;
  };
  json value = json::parse(text, shallow, false);
  if (value.is_discarded()) fail("{} is not valid JSON: {:.60}", key, text);
  return value;
}

void check_name(const std::string& name, const char* key) {
  const bool odd = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 32; });
  if (name.empty() || name.size() > kMaxNameLength || odd) {
    fail("{}: '{:.60}' is no name; 1 to {} printable characters are", key, name, kMaxNameLength);
  }
}

std::vector<std::string> read_classes(const std::string& text) {
  const json value = parse_json(text, kClasses);
  if (!value.is_array() || value.empty() || value.size() > kMaxClasses) {
    fail("{} is no JSON array of 1 to {} class names: {:.60}", kClasses, kMaxClasses, text);
  }
  std::vector<std::string> classes;
  std::set<std::string> seen;
  for (const json& name : value) {
    if (!name.is_string()) fail("{}: {:.60} is no string", kClasses, name.dump());
    classes.push_back(name.get<std::string>());
    check_name(classes.back(), kClasses);
    if (!seen.insert(classes.back()).second) {
      fail("{}: '{}' is there twice", kClasses, classes.back());
    }
  }
  return classes;
}

float read_number(const json& value, const std::string& where) {
  if (!value.is_number()) fail("{}: {:.60} is no number", where, value.dump());
  const float number = value.get<float>();
  if (!std::isfinite(number)) fail("{}: {:.60} is not finite", where, value.dump());
  return number;
}

SparseWindow read_input(const json& pairs, uint32_t length, const std::string& where) {
  if (!pairs.is_array()) fail("{}.input is no array of [index, value]", where);
  SparseWindow input;
  for (const json& pair : pairs) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned()) {
      fail("{}.input: {:.60} is no [index, value]", where, pair.dump());
    }
    const auto index = pair[0].get<uint64_t>();
    if (index >= length) fail("{}.input: index {} is not below {}", where, index, length);
    if (!input.empty() && index <= input.back().index) {
      fail("{}.input: index {} does not ascend", where, index);
    }
    input.push_back({static_cast<uint32_t>(index), read_number(pair[1], where + ".input")});
  }
  return input;
}

GoldenWindows read_golden(const std::string& text, uint32_t length, size_t classes) {
  const json value = parse_json(text, kGolden);
  if (!value.is_object() || !value.contains("windows") || !value["windows"].is_array()) {
    fail("{} is no object with an array 'windows'", kGolden);
  }
  for (const auto& item : value.items()) {
    if (item.key() != "windows" && item.key() != "tolerance") {
      fail("{}: the key '{}' is not known; windows and tolerance are", kGolden, item.key());
    }
  }
  GoldenWindows golden;
  if (value.contains("tolerance")) {
    golden.tolerance = read_number(value["tolerance"], std::string(kGolden) + ".tolerance");
    if (golden.tolerance <= 0 || golden.tolerance > 0.01) {
      fail("{}.tolerance {} is out of range; above 0 up to 0.01 is right", kGolden,
           golden.tolerance);
    }
  }
  if (value["windows"].size() > kMaxGoldenWindows) {
    fail("{} has {} windows; at most {} are run", kGolden, value["windows"].size(),
         kMaxGoldenWindows);
  }
  for (const json& item : value["windows"]) {
    const std::string where = fmt::format("{}.windows[{}]", kGolden, golden.windows.size());
    if (!item.is_object() || !item.contains("input") || !item.contains("output") ||
        item.size() != 2) {
      fail("{} is no object of 'input' and 'output'", where);
    }
    GoldenWindows::Window window;
    window.input = read_input(item["input"], length, where);
    if (!item["output"].is_array() || item["output"].size() != classes) {
      fail("{}.output is no array of {} probabilities, one a class", where, classes);
    }
    for (const json& number : item["output"]) {
      window.output.push_back(read_number(number, where + ".output"));
    }
    golden.windows.push_back(std::move(window));
  }
  return golden;
}

/// Cards of other tools may hold anything under this name; what is there must make sense.
std::optional<float> read_confidence(const json& card) {
  const auto found = card.find("confidence");
  if (found == card.end() || !found->is_object() || !found->contains("threshold")) {
    return std::nullopt;
  }
  const float threshold = read_number((*found)["threshold"], "flowmark.card: confidence.threshold");
  if (threshold < 0 || threshold > 1) {
    fail("flowmark.card: confidence.threshold {} is out of range; 0 to 1 is right", threshold);
  }
  return threshold;
}

/// Of the labels that the card says nothing of: 1/2.
std::vector<float> read_label_thresholds(const json& card, const std::vector<std::string>& labels) {
  std::vector<float> thresholds(labels.size(), 0.5F);
  const auto found = card.find("labels");
  for (size_t c = 0; c < labels.size() && found != card.end() && found->is_object(); ++c) {
    const auto label = found->find(labels[c]);
    if (label == found->end() || !label->is_object() || !label->contains("threshold")) continue;
    const std::string where = "flowmark.card: labels." + labels[c] + ".threshold";
    thresholds[c] = read_number((*label)["threshold"], where);
    if (thresholds[c] < 0 || thresholds[c] > 1) {
      fail("{} {} is out of range; 0 to 1 is right", where, thresholds[c]);
    }
  }
  return thresholds;
}

/// Every class has one, or there is no rule.
std::vector<float> read_open_set(const json& card, const std::vector<std::string>& classes) {
  constexpr const char* kThresholds = "flowmark.card: open_set.thresholds";
  const auto found = card.find("open_set");
  if (found == card.end() || !found->is_object() || !found->contains("thresholds")) return {};
  const json& thresholds = (*found)["thresholds"];
  if (!thresholds.is_object()) fail("{} is no object of numbers by class", kThresholds);
  std::vector<float> out;
  for (const std::string& name : classes) {
    const auto threshold = thresholds.find(name);
    if (threshold == thresholds.end()) fail("{}: class '{}' is missing", kThresholds, name);
    out.push_back(read_number(*threshold, fmt::format("{}.{}", kThresholds, name)));
    if (out.back() < 0)
      fail("{}.{} {} is out of range; 0 or more is right", kThresholds, name, out.back());
  }
  return out;
}

void refuse_long_texts(const Properties& properties) {
  for (const auto& [key, value] : properties) {
    const size_t most = key == kGolden ? kMaxGoldenBytes : kMaxTextBytes;
    if (key.starts_with("flowmark.") && value.size() > most) {
      fail("{:.60} has {} bytes; at most {} are allowed", key, value.size(), most);
    }
  }
}

void refuse_unknown_keys(const Properties& properties) {
  static const std::set<std::string_view> known{kVersion,    kTask,   kClasses, kInput,
                                                kMultilabel, kGolden, kCard};
  for (const auto& [key, value] : properties) {
    if (key.starts_with("flowmark.") && !known.contains(key)) {
      fail("metadata key '{:.60}' is not known (docs/models.md lists the keys)", key);
    }
  }
}

}  // namespace

ModelMetadata read_metadata(const Properties& properties) {
  const std::string& version = required(properties, kVersion);
  if (version != kVersionValue) {
    fail("{} is '{:.60}'; this program reads '{}'", kVersion, version, kVersionValue);
  }
  refuse_unknown_keys(properties);
  refuse_long_texts(properties);
  ModelMetadata metadata;
  metadata.task = required(properties, kTask);
  check_name(metadata.task, kTask);
  for (const char c : metadata.task) {
    if (c < '!' || c > '~')
      fail("{}: '{}' has other than visible ASCII characters", kTask, metadata.task);
  }
  metadata.classes = read_classes(required(properties, kClasses));
  metadata.input = FeatureSpec::from_json(required(properties, kInput), kInput);
  if (const auto found = properties.find(kMultilabel); found != properties.end()) {
    if (found->second != "true" && found->second != "false") {
      fail("{} is '{:.60}'; 'true' or 'false' is right", kMultilabel, found->second);
    }
    metadata.multilabel = found->second == "true";
  }
  if (metadata.multilabel) metadata.label_thresholds.assign(metadata.classes.size(), 0.5F);
  if (const auto found = properties.find(kCard); found != properties.end()) {
    const json card = parse_json(found->second, kCard);
    if (!card.is_object()) fail("{} is no JSON object", kCard);
    metadata.card = found->second;
    metadata.confidence = read_confidence(card);
    metadata.most_disagreement = read_open_set(card, metadata.classes);
    if (metadata.multilabel) {
      metadata.label_thresholds = read_label_thresholds(card, metadata.classes);
    }
  }
  if (const auto found = properties.find(kGolden); found != properties.end()) {
    metadata.golden = read_golden(found->second, metadata.input.length(), metadata.classes.size());
  }
  return metadata;
}

Properties write_metadata(const ModelMetadata& metadata) {
  Properties properties;
  properties[kVersion] = kVersionValue;
  properties[kTask] = metadata.task;
  properties[kClasses] = json(metadata.classes).dump();
  properties[kInput] = metadata.input.to_json();
  properties[kMultilabel] = metadata.multilabel ? "true" : "false";
  if (!metadata.card.empty()) properties[kCard] = metadata.card;
  if (!metadata.golden.windows.empty()) {
    json windows = json::array();
    for (const auto& window : metadata.golden.windows) {
      json pairs = json::array();
      for (const SparseValue& value : window.input) pairs.push_back({value.index, value.value});
      windows.push_back({{"input", pairs}, {"output", window.output}});
    }
    properties[kGolden] =
        json{{"windows", windows}, {"tolerance", metadata.golden.tolerance}}.dump();
  }
  return properties;
}

}  // namespace flowmark
