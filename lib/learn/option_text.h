#pragma once

#include <string>

#include "learn/learner_kind.h"

namespace flowmark {

/// Sets an option from text: a number, a word, "yes" or "no", numbers between spaces. Throws Error
/// naming the option.
void set_from_text(const LearnerOption& option, const std::string& text);

/// The option's value as set_from_text() takes it.
std::string text_of(const LearnerOption& option);

}  // namespace flowmark
