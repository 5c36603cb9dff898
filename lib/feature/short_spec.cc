#include "feature/short_spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "feature/kinds.h"
#include "feature/values.h"

namespace flowmark {
namespace {

const FeatureKind* kind_named(const std::string& name) {
  for (const FeatureKind& kind : feature_kinds()) {
    if (std::ranges::find(kind.names, name) != kind.names.end()) return &kind;
  }
  return nullptr;
}

bool is_value_kind(const std::string& word) {
  constexpr ValueKind kAll[] = {ValueKind::count, ValueKind::binary, ValueKind::fraction,
                                ValueKind::log1p};
  return std::ranges::any_of(kAll, [&](ValueKind kind) { return word == to_string(kind); });
}

/// Sets what a word stands for; false if it stands for nothing.
bool set_word(const FeatureKind& kind, const std::string& word, nlohmann::ordered_json& json) {
  if (is_value_kind(word)) {
    json["values"] = word;
    return true;
  }
  const std::string digits = word.substr(0, word.find_first_not_of("0123456789."));
  const auto unit = kind.units.find(word.substr(digits.size()));
  const auto number = nlohmann::ordered_json::parse(digits, nullptr, false);
  if (unit == kind.units.end() || !number.is_number()) return false;
  for (const std::string& key : unit->second) json[key] = number;
  return true;
}

}  // namespace

bool is_short_spec(const std::string& text) {
  return kind_named(text.substr(0, text.find('-'))) != nullptr;
}

std::optional<std::string> short_spec_json(const std::string& text) {
  std::istringstream words(text);
  std::string word;
  std::getline(words, word, '-');
  const FeatureKind* kind = kind_named(word);
  if (kind == nullptr) return std::nullopt;
  nlohmann::ordered_json json{{"kind", word}};
  while (std::getline(words, word, '-')) {
    if (!set_word(*kind, word, json)) return std::nullopt;
  }
  return json.dump();
}

std::vector<std::string> short_spec_examples() {
  std::vector<std::string> all;
  for (const FeatureKind& kind : feature_kinds()) {
    all.insert(all.end(), kind.examples.begin(), kind.examples.end());
  }
  return all;
}

}  // namespace flowmark
