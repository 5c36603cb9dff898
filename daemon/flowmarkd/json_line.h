#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace flowmark {

/// JSON on one line, without the line end. What is no UTF-8 is replaced.
std::string line_of(const nlohmann::ordered_json& json);

}  // namespace flowmark
