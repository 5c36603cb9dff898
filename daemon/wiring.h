#pragma once

#include "classify/classifier.h"
#include "daemon/worker.h"
#include "settings/settings.h"

namespace flowmark {

/// The options of one of `workers` classifiers: totals of the configuration shared out equally.
ClassifierOptions classifier_options(const Settings& settings, uint32_t workers, bool replay);

WorkerOptions worker_options(const Settings& settings, size_t index, bool replay);

}  // namespace flowmark
