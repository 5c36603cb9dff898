#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "classify/model_set.h"
#include "runtime/totals.h"

namespace flowmark {

/// The summary of all counters, for `--json` and `ctl status`. Which counters it has, and under
/// which keys, stands in the table of counters (SummaryEntry). `sends`: packets leave again (not
/// mirror), so that received = forwarded + dropped must hold once the workers have stopped.
nlohmann::ordered_json summary_json(const Totals& totals, const ModelSet& models, bool sends);

/// The same as tables for people, several lines: at the exit and of `flowmark replay`.
std::string summary_text(const Totals& totals, const ModelSet& models, bool sends);

}  // namespace flowmark
