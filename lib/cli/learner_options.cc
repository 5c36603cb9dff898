#include "cli/learner_options.h"

namespace flowmark {
namespace {

/// Adds one option by the kind of its value.
struct Adder {
  CLI::App& command;
  const std::string name;
  const std::string& help;

  void operator()(bool* flag) const { command.add_flag(name, *flag, help); }
  void operator()(uint32_t* value) const {
    command.add_option(name, *value, help)->capture_default_str();
  }
  void operator()(double* value) const {
    command.add_option(name, *value, help)->capture_default_str();
  }
  void operator()(const LearnerWord& word) const {
    command.add_option(name, *word.word, help)
        ->check(CLI::IsMember(word.allowed))
        ->capture_default_str();
  }
  void operator()(std::vector<double>* list) const { command.add_option(name, *list, help); }
};

}  // namespace

void add_learner_options(CLI::App& command, LearnerFamily& family, LearnerHelp help) {
  for (const LearnerOption& option : family.options()) {
    if ((option.*help).empty()) continue;
    std::visit(Adder{command, "--" + option.name, option.*help}, option.value);
  }
}

}  // namespace flowmark
