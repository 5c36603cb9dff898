#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/totals.h"

namespace flowmark {

/// For `ctl marks`: of each port, by its name, the packets that were received there, by the DSCP
/// they came with and the one they got. Cells at zero are left out.
nlohmann::ordered_json mark_matrix(const Totals& totals, const std::vector<std::string>& ports);

}  // namespace flowmark
