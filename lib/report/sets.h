#pragma once

#include "evaluate/set_evaluation.h"
#include "report/html.h"

namespace flowmark {

/// The sections of a report on a multi-label model: how right, by label and by set of labels, how
/// early, and how sure.
void report_sets(HtmlReport& report, const SetEvaluation& evaluation,
                 const BootstrapOptions& bootstrap);

}  // namespace flowmark
