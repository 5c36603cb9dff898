#include "cli/learner_options.h"

#include "learn/option_text.h"

namespace flowmark {
namespace {

/// Adds one option by the kind of its value.
struct Adder {
  CLI::App& command;
  LearnerFamily& family;
  const LearnerOption& option;
  const std::string name;
  const std::string& help;

  void operator()(bool* flag) const {
    if (option.implies.empty()) {
      command.add_flag(name, *flag, help);
      return;
    }
    // Called when the whole line is read: what else it names is known by then.
    const auto set = [&command = command, &family = family, option = option, flag] {
      *flag = true;
      set_implied(family, option, [&](const std::string& other) {
        const CLI::Option* named = command.get_option_no_throw("--" + other);
        return named != nullptr && named->count() > 0;
      });
    };
    command.add_flag_callback(name, set, help);
  }
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
    std::visit(Adder{command, family, option, "--" + option.name, option.*help}, option.value);
  }
}

}  // namespace flowmark
