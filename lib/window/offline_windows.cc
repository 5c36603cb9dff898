#include "window/offline_windows.h"

#include "base/error.h"

namespace flowmark {

void cut_windows(const RecordedFlow& flow, const FeatureSpec& spec, const TilingOptions& options,
                 const TakeWindow& take) {
  spec.check("feature specification");
  if (options.hop_us < 0) fail("hop: {} us is negative", options.hop_us);
  spec.feature().cut(flow, options, take);
}

}  // namespace flowmark
