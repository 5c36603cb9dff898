#pragma once

#include <string>

#include "classify/classifier.h"
#include "runtime/worker.h"
#include "settings/settings.h"

namespace flowmark {

/// Where the memory of one worker goes, from the configuration.
struct WorkerMemory {
  uint32_t flows = 0;  ///< the table has room for
  uint64_t table_bytes = 0;
  uint64_t window_bytes = 0;
};
WorkerMemory worker_memory(const FlowSettings& flows, uint32_t workers);

/// "flow tables 10 MB for 131072 flows, windows 512 MB, packet buffers 512 MB": what the start
/// reserves.
std::string memory_text(const Settings& settings);

/// Who may have a live mark, in bytes a second.
LiveLimits live_limits(const MarkingSettings& marking);

/// The options of each of `workers` classifiers: totals of the configuration shared out equally.
/// All are made with copies of one object, which share the budget of live marks in it.
ClassifierOptions classifier_options(const Settings& settings, uint32_t workers, bool replay);

WorkerOptions worker_options(const Settings& settings, size_t index, bool replay);

}  // namespace flowmark
