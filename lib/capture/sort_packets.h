#pragma once

#include "window/offline_windows.h"

namespace flowmark {

/// Puts a flow's packets in time order; those of equal time keep theirs.
void sort_packets(RecordedFlow& flow);

}  // namespace flowmark
