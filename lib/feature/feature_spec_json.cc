#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/error.h"
#include "feature/feature_spec.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr FeatureKind kKinds[] = {FeatureKind::flowpic, FeatureKind::size_iat,
                                  FeatureKind::burst_surge, FeatureKind::combined};
constexpr ValueKind kValueKinds[] = {ValueKind::count, ValueKind::binary, ValueKind::fraction,
                                     ValueKind::log1p};

constexpr int kMaxDepth = 8;

/// Reads one JSON object, remembering which keys it was asked for.
class ObjectReader {
 public:
  /// `prefix` stands before the keys in messages: "" or "size.".
  ObjectReader(const Json& object, std::string where, std::string prefix)
      : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {
    if (!object_.is_object()) {
      fail("{}: {}{} is not a JSON object", where_,
           prefix_.empty() ? "" : prefix_.substr(0, prefix_.size() - 1) + ": ", shown(object_));
    }
  }

  const Json* get(const char* key) {
    known_.emplace_back(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  void number(const char* key, double& value) {
    const Json* json = get(key);
    if (json == nullptr) return;
    if (!json->is_number()) wrong(key, *json, "a number");
    value = json->get<double>();
  }

  /// Ranges are FeatureSpec::check's; here only what does not fit T is refused.
  template <typename T>
  void whole(const char* key, T& value, double limit) {
    const Json* json = get(key);
    if (json == nullptr) return;
    const double number = json->is_number() ? json->get<double>() : -1;
    if (number != std::floor(number) || number < 0 || number > limit) {
      wrong(key, *json, fmt::format("a whole number of 0 to {:.0f}", limit));
    }
    value = static_cast<T>(number);
  }

  void seconds(const char* key, TimeUs& value) {
    double in_seconds = static_cast<double>(value) / kUsPerSecond;
    number(key, in_seconds);
    // Before the rounding to microseconds, which could overflow or make a 0 of little.
    if (in_seconds != 0 && !(in_seconds >= 0.01 && in_seconds <= 3600)) {
      fail("{}: {}{}: {} is out of range, allowed is 0.01 to 3600", where_, prefix_, key,
           in_seconds);
    }
    value = std::llround(in_seconds * kUsPerSecond);
  }

  template <typename T, size_t n>
  void name(const char* key, T& value, const T (&choices)[n]) {
    const Json* json = get(key);
    if (json == nullptr) return;
    std::string names;
    for (const T choice : choices) {
      if (json->is_string() && json->get_ref<const std::string&>() == to_string(choice)) {
        value = choice;
        return;
      }
      names += names.empty() ? "" : ", ";
      names += to_string(choice);
    }
    wrong(key, *json, "one of " + names);
  }

  void axis(const char* key, LogAxis& axis) {
    const Json* json = get(key);
    if (json == nullptr) return;
    ObjectReader reader(*json, where_, prefix_ + key + ".");
    reader.whole("bins", axis.bins, 65535);
    reader.number("min", axis.min);
    reader.number("max", axis.max);
    reader.finish();
  }

  /// Refuses keys that nobody asked for.
  void finish() const {
    for (const auto& item : object_.items()) {
      bool is_known = false;
      std::string names;
      for (const std::string& key : known_) {
        is_known |= key == item.key();
        names += (names.empty() ? "" : ", ") + key;
      }
      if (!is_known)
        fail("{}: unknown key \"{}{}\"; known are {}", where_, prefix_, item.key(), names);
    }
  }

  [[noreturn]] void missing(const char* key, const std::string& right) const {
    fail("{}: {}{} is missing; it must be {}", where_, prefix_, key, right);
  }

 private:
  [[noreturn]] void wrong(const char* key, const Json& value, const std::string& right) const {
    fail("{}: {}{}: {} is not {}", where_, prefix_, key, shown(value), right);
  }

  static std::string shown(const Json& value) {
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
  }

  const Json& object_;
  std::string where_;
  std::string prefix_;
  std::vector<std::string> known_;
};

Json parse(const std::string& text, const std::string& where) {
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

Json number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

Json axis_json(const LogAxis& axis) {
  return {{"bins", axis.bins}, {"min", number(axis.min)}, {"max", number(axis.max)}};
}

}  // namespace

FeatureSpec FeatureSpec::from_json(const std::string& text, const std::string& where) {
  const Json json = parse(text, where);
  ObjectReader reader(json, where, "");
  FeatureSpec spec;
  if (!json.contains("kind")) {
    reader.missing("kind", "one of flowpic, size_iat, burst_surge, combined");
  }
  reader.name("kind", spec.kind, kKinds);
  if (spec.is_picture()) {
    PictureSpec& picture = spec.picture;
    reader.seconds("window_s", picture.window_us);
    reader.whole("time_bins", picture.time_bins, 65535);
    reader.whole("size_bins", picture.size_bins, 65535);
    reader.whole("max_size", picture.max_size, 4294967295.0);
  } else {
    HistogramSpec& histogram = spec.histogram;
    reader.whole("window_packets", histogram.window_packets, 4294967295.0);
    reader.seconds("window_s", histogram.window_us);
    if (spec.kind != FeatureKind::burst_surge) {
      reader.axis("size", histogram.size);
      reader.axis("iat_us", histogram.iat_us);
    }
    if (spec.kind != FeatureKind::size_iat) {
      reader.axis("burst_bytes", histogram.burst_bytes);
      reader.axis("surge_us", histogram.surge_us);
      reader.whole("surge_gap_us", histogram.surge_gap_us, 1e15);
    }
  }
  reader.name("values", spec.values, kValueKinds);
  reader.finish();
  spec.check(where);
  return spec;
}

std::string FeatureSpec::to_json() const {
  Json json{{"kind", to_string(kind)}};
  const TimeUs window_us = is_picture() ? picture.window_us : histogram.window_us;
  const Json window_s = number(static_cast<double>(window_us) / kUsPerSecond);
  if (is_picture()) {
    json["window_s"] = window_s;
    json["time_bins"] = picture.time_bins;
    json["size_bins"] = picture.size_bins;
    json["max_size"] = picture.max_size;
  } else {
    json["window_packets"] = histogram.window_packets;
    json["window_s"] = window_s;
    if (kind != FeatureKind::burst_surge) {
      json["size"] = axis_json(histogram.size);
      json["iat_us"] = axis_json(histogram.iat_us);
    }
    if (kind != FeatureKind::size_iat) {
      json["burst_bytes"] = axis_json(histogram.burst_bytes);
      json["surge_us"] = axis_json(histogram.surge_us);
      json["surge_gap_us"] = histogram.surge_gap_us;
    }
  }
  json["values"] = to_string(values);
  return json.dump();
}

}  // namespace flowmark
