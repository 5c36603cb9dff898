#include "learn/option_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/error.h"

namespace flowmark {
namespace {

template <typename Number>
Number number(const LearnerOption& option, const std::string& text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    fail("{} {}: must be a number", option.name, text);
  }
  return value;
}

struct Setter {
  const LearnerOption& option;
  const std::string& text;

  void operator()(bool* flag) const {
    if (text != "yes" && text != "no") fail("{} {}: must be yes or no", option.name, text);
    *flag = text == "yes";
  }
  void operator()(uint32_t* value) const { *value = number<uint32_t>(option, text); }
  void operator()(double* value) const { *value = number<double>(option, text); }
  void operator()(const LearnerWord& word) const {
    if (std::find(word.allowed.begin(), word.allowed.end(), text) == word.allowed.end()) {
      fail("{} {}: must be one of {}", option.name, text, fmt::join(word.allowed, ", "));
    }
    *word.word = text;
  }
  void operator()(std::vector<double>* list) const {
    std::vector<double> values;
    std::istringstream words(text);
    for (std::string word; words >> word;) values.push_back(number<double>(option, word));
    *list = values;
  }
};

struct Getter {
  std::string operator()(const bool* flag) const { return *flag ? "yes" : "no"; }
  std::string operator()(const uint32_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const double* value) const { return fmt::format("{}", *value); }
  std::string operator()(const LearnerWord& word) const { return *word.word; }
  std::string operator()(const std::vector<double>* list) const {
    return fmt::format("{}", fmt::join(*list, " "));
  }
};

}  // namespace

void set_from_text(const LearnerOption& option, const std::string& text) {
  std::visit(Setter{option, text}, option.value);
}

std::string text_of(const LearnerOption& option) {
  return std::visit(Getter{}, option.value);
}

void set_implied(LearnerFamily& family, const LearnerOption& flag,
                 const std::function<bool(const std::string&)>& given) {
  for (const LearnerOption& option : family.options()) {
    for (const auto& [name, value] : flag.implies) {
      if (option.name == name && !given(name)) set_from_text(option, value);
    }
  }
}

}  // namespace flowmark
