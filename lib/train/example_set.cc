#include "train/example_set.h"

#include <cmath>

#include "base/error.h"
#include "base/time.h"

namespace flowmark {

std::string to_string(const FlowPrefix& prefix) {
  if (prefix.packets > 0) {
    return fmt::format("{} packets", prefix.packets);
  }
  return fmt::format("{} s", static_cast<double>(prefix.us) / static_cast<double>(kUsPerSecond));
}

void ExampleSet::add(const ExampleInfo& info, std::span<const SparseValue> window) {
  for (const SparseValue& value : window) {
    if (value.index >= feature_count || !std::isfinite(value.value)) {
      fail("flow {}: a window has the value {} at feature {}: must be finite and below feature {}",
           info.flow < flows.size() ? flows[info.flow].name : "?", value.value, value.index,
           feature_count);
    }
  }
  info_.push_back(info);
  values_.insert(values_.end(), window.begin(), window.end());
  row_start_.push_back(values_.size());
}

}  // namespace flowmark
