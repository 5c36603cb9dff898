#include "daemon/flowmarkd/json_line.h"

#include <nlohmann/json.hpp>

namespace flowmark {

std::string line_of(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace flowmark
