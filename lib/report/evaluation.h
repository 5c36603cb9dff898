#pragma once

#include <string>

#include "evaluate/evaluate_sources.h"
#include "report/html.h"

namespace flowmark {

/// Figures that are shown with their interval.
std::string percent_text(double share);
std::string percent_text(const Interval& interval);

/// The page that `flowmark eval --report` writes: scores with intervals, confusion matrices, the
/// accuracy after so many packets and seconds, reliability, coverage, pictures by class and of
/// confident mistakes.
HtmlReport evaluation_report(const Model& model, const SourceEvaluation& result,
                             const std::string& data, const BootstrapOptions& bootstrap);

}  // namespace flowmark
