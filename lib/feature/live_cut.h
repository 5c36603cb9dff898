#pragma once

#include "feature/feature.h"

namespace flowmark {

/// Cuts a recorded flow into windows that are what the live window is when the last packet of a
/// stretch has come: for kinds whose state reaches back over its beginning. The stretches tile the
/// flow. One ends at its extent's limits, whichever comes first; the next begins with the first
/// packet after it, or with a hop so many hops after the flow's first packet. A beginning
/// (TilingOptions) ends at its own limits, whatever the extent. The flow's last stretch may be
/// shorter where time limits it or nothing does; one limited by packets alone is dropped. Gaps of
/// over an hour count as an hour: live flows end there.
///
/// Windows of both directions only.
void cut_live(const RecordedFlow& flow, const Feature& feature, const TilingOptions& options,
              const TakeWindow& take);

}  // namespace flowmark
