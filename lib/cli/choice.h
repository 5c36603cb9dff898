#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flowmark {

/// Words of a command line and the values they stand for.
template <typename Kind>
using Names = std::vector<std::pair<std::string, Kind>>;

/// An option whose words stand for the values of an enumeration; without it `value` stays as it is,
/// and is what --help shows as its default. (CLI::CheckedTransformer shows and takes the
/// enumeration's numbers beside the words.)
template <typename Kind>
void add_choice(CLI::App& command, const char* option, Kind& value, const Names<Kind>& names,
                const char* help) {
  std::vector<std::string> words;
  std::string now;
  for (const auto& [word, kind] : names) {
    words.push_back(word);
    if (kind == value) now = word;
  }
  const auto set = [&value, names](const std::string& word) {
    value = std::find_if(names.begin(), names.end(), [&](const auto& name) {
              return name.first == word;
            })->second;
  };
  command.add_option_function<std::string>(option, set, help)
      ->check(CLI::IsMember(words))
      ->default_str(now);
}

}  // namespace flowmark
