#pragma once

#include <functional>
#include <string>

#include "learn/learner_kind.h"

namespace flowmark {

/// Sets an option from text: a number, a word, "yes" or "no", numbers between spaces. Throws Error
/// naming the option.
void set_from_text(const LearnerOption& option, const std::string& text);

/// The option's value as set_from_text() takes it.
std::string text_of(const LearnerOption& option);

/// Sets what `flag` implies for other options of its family, but for those that `given` says yes
/// to.
void set_implied(LearnerFamily& family, const LearnerOption& flag,
                 const std::function<bool(const std::string& option)>& given);

}  // namespace flowmark
