#pragma once

#include "experiment/experiment.h"

namespace flowmark {

/// A multi-label cell: mixtures, one output a label, thresholds chosen on mixtures set aside.
void run_label_sets(const ExperimentCell& cell, const ExperimentData& data,
                    const ExperimentOptions& options, CellResult& result);

}  // namespace flowmark
