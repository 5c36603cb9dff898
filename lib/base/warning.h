#pragma once

#include <string>

namespace flowmark {

/// Says on standard error what a person should know although the work goes on: "flowmark: warning:
/// MESSAGE". The message names the place and what to do, like an Error's. Any thread.
void print_warning(const std::string& message);

}  // namespace flowmark
