#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace flowmark {

/// JSON on one line, without the line end. What is no UTF-8 is replaced.
inline std::string line_of(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace flowmark
