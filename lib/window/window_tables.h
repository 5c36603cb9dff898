#pragma once

#include <variant>
#include <vector>

#include "window/flow_windows.h"
#include "window/sliding_histogram.h"
#include "window/sliding_picture.h"

namespace flowmark {

/// Both directions' pictures of one spec.
struct PicturePair {
  SlidingPicture of[2];
};

/// What a plan prepares for one spec.
struct SpecTables {
  std::variant<PictureTables, HistogramTables> tables;
  ValueKind values;
  size_t offset;  ///< of the spec's PicturePair or SlidingHistogram in the FlowWindows object
};

struct WindowPlan::Tables {
  std::vector<SpecTables> specs;
  size_t object_size = 0;
  size_t max_values = 0;
};

}  // namespace flowmark
