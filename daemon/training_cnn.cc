#include "daemon/training_cnn.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flowmark {
namespace {

template <typename Kind>
using Names = std::vector<std::pair<std::string, Kind>>;

/// An option whose words stand for the values of an enumeration.
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

}  // namespace

void add_cnn_learning_options(CLI::App& command, CnnTrainingOptions& cnn) {
  using Schedule = CnnTrainingOptions::Schedule;
  using Judge = CnnTrainingOptions::Judge;
  command.add_option("--batch", cnn.batch, "CNN: pictures a step")->capture_default_str();
  command.add_option("--learning-rate", cnn.learning_rate, "CNN: of Adam, at most")
      ->capture_default_str();
  add_choice(command, "--schedule", cnn.schedule,
             Names<Schedule>{{"constant", Schedule::constant}, {"cosine", Schedule::cosine}},
             "CNN: the learning rate stays, or rises over a twentieth of all epochs and falls to 0 "
             "along a cosine");
  command
      .add_option("--weight-decay", cnn.weight_decay,
                  "CNN: this share of the weights, times the learning rate, is lost each step")
      ->capture_default_str();
  add_choice(
      command, "--judge", cnn.judge,
      Names<Judge>{{"loss", Judge::loss}, {"accuracy", Judge::accuracy}, {"last", Judge::last}},
      "CNN: which epoch is best on validation data, by what; or the last one, without "
      "stopping early");
}

}  // namespace flowmark
