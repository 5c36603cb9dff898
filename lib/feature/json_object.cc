#include "feature/json_object.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr ValueKind kValueKinds[] = {ValueKind::count, ValueKind::binary, ValueKind::fraction,
                                     ValueKind::log1p};
constexpr int kMaxDepth = 8;

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace

JsonObject::JsonObject(const Json& object, std::string where, std::string prefix)
    : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {
  if (!object_.is_object()) {
    fail("{}: {}{} is not a JSON object", where_,
         prefix_.empty() ? "" : prefix_.substr(0, prefix_.size() - 1) + ": ", shown(object_));
  }
}

const Json* JsonObject::find(const char* key) {
  known_.emplace_back(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

JsonObject JsonObject::inner(const char* key, const Json& object) const {
  return JsonObject(object, where_, prefix_ + key + ".");
}

void JsonObject::number(const char* key, double& value) {
  const Json* json = find(key);
  if (json == nullptr) return;
  if (!json->is_number()) wrong(key, *json, "a number");
  value = json->get<double>();
}

void JsonObject::whole_number(const char* key, double& value, double limit) {
  const Json* json = find(key);
  if (json == nullptr) return;
  const double number = json->is_number() ? json->get<double>() : -1;
  if (number != std::floor(number) || number < 0 || number > limit) {
    wrong(key, *json, fmt::format("a whole number of 0 to {:.0f}", limit));
  }
  value = number;
}

void JsonObject::seconds(const char* key, TimeUs& value) {
  double in_seconds = static_cast<double>(value) / kUsPerSecond;
  number(key, in_seconds);
  // Before the rounding to microseconds, which could overflow or make a 0 of little.
  if (in_seconds != 0 && !(in_seconds >= 0.01 && in_seconds <= 3600)) {
    fail("{}: {}{}: {} is out of range, allowed is 0.01 to 3600", where_, prefix_, key, in_seconds);
  }
  value = std::llround(in_seconds * kUsPerSecond);
}

void JsonObject::word(const char* key, std::string& value,
                      const std::vector<std::string>& choices) {
  const Json* json = find(key);
  if (json == nullptr) return;
  std::string names;
  for (const std::string& choice : choices) {
    if (json->is_string() && json->get_ref<const std::string&>() == choice) {
      value = choice;
      return;
    }
    names += (names.empty() ? "" : ", ") + choice;
  }
  wrong(key, *json, "one of " + names);
}

void JsonObject::values(const char* key, ValueKind& value) {
  std::vector<std::string> words;
  for (const ValueKind kind : kValueKinds) words.emplace_back(to_string(kind));
  std::string chosen = to_string(value);
  word(key, chosen, words);
  for (const ValueKind kind : kValueKinds) {
    if (chosen == to_string(kind)) value = kind;
  }
}

void JsonObject::finish() const {
  for (const auto& item : object_.items()) {
    bool is_known = false;
    std::string names;
    for (const std::string& key : known_) {
      is_known |= key == item.key();
      names += (names.empty() ? "" : ", ") + key;
    }
    if (!is_known) {
      fail("{}: unknown key \"{}{}\"; known are {}", where_, prefix_, item.key(), names);
    }
  }
}

void JsonObject::missing(const char* key, const std::string& right) const {
  fail("{}: {}{} is missing; it must be {}", where_, prefix_, key, right);
}

void JsonObject::wrong(const char* key, const Json& value, const std::string& right) const {
  fail("{}: {}{}: {} is not {}", where_, prefix_, key, shown(value), right);
}

Json parse_json(const std::string& text, const std::string& where) {
  // A key given twice would silently win over the first.
  std::vector<std::set<std::string>> keys;
  const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
    // The library writes values, as into messages, recursively.
    if (depth > kMaxDepth) fail("{}: nested more than {} deep", where, kMaxDepth);
    if (event == Json::parse_event_t::object_start) {
      keys.resize(static_cast<size_t>(depth) + 1);
      keys.back().clear();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys[static_cast<size_t>(depth) - 1].insert(key).second) {
        fail("{}: key \"{}\" is there twice", where, key);
      }
    }
    return true;
  };
  try {
    return Json::parse(text, callback);
  } catch (const Json::exception& error) {
    fail("{}: not valid JSON: {}", where, error.what());
  }
}

Json number_json(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

Json seconds_json(TimeUs us) {
  return number_json(static_cast<double>(us) / kUsPerSecond);
}

}  // namespace flowmark
