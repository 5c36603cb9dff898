#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/time.h"
#include "feature/values.h"

namespace flowmark {

/// Reads one JSON object of a feature specification and remembers which keys it was asked for. A
/// key that is not there leaves the value as it is. All throw Error with the place, the key, the
/// value and what would be right.
class JsonObject {
 public:
  /// `prefix` stands before the keys in messages: "" or "size.". Holds on to `object`.
  JsonObject(const nlohmann::ordered_json& object, std::string where, std::string prefix);

  void number(const char* key, double& value);
  /// A whole number of 0 to `limit`. The range of the specification is checked later.
  template <typename T>
  void whole(const char* key, T& value, double limit) {
    auto number = static_cast<double>(value);
    whole_number(key, number, limit);
    value = static_cast<T>(number);
  }
  /// Seconds, 0 or 0.01 to 3600, as microseconds.
  void seconds(const char* key, TimeUs& value);
  /// One of the words of ValueKind.
  void values(const char* key, ValueKind& value);
  /// One of these words.
  void word(const char* key, std::string& value, const std::vector<std::string>& choices);
  /// The object under a key; nullptr if there is none.
  const nlohmann::ordered_json* find(const char* key);
  /// A reader of an object that find() gave.
  JsonObject inner(const char* key, const nlohmann::ordered_json& object) const;

  /// Refuses keys that nobody asked for.
  void finish() const;
  [[noreturn]] void missing(const char* key, const std::string& right) const;
  const std::string& where() const noexcept { return where_; }

 private:
  void whole_number(const char* key, double& value, double limit);
  [[noreturn]] void wrong(const char* key, const nlohmann::ordered_json& value,
                          const std::string& right) const;

  const nlohmann::ordered_json& object_;
  std::string where_;
  std::string prefix_;
  std::vector<std::string> known_;
};

/// Parses a text. Throws Error: not JSON, a key given twice, nested too deep.
nlohmann::ordered_json parse_json(const std::string& text, const std::string& where);

/// A number as people write it: whole ones without a fraction.
nlohmann::ordered_json number_json(double value);
/// Microseconds as seconds.
nlohmann::ordered_json seconds_json(TimeUs us);

}  // namespace flowmark
