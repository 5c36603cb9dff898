#include "window/window_plan.h"

#include <algorithm>

#include "base/error.h"
#include "window/flow_windows.h"
#include "window/window_reader.h"

namespace flowmark {
namespace {

constexpr size_t kAlign = alignof(void*);

size_t aligned(size_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

WindowPlan::WindowPlan(const std::vector<FeatureSpec>& specs)
    : object_bytes_(aligned(sizeof(FlowWindows))) {
  for (const FeatureSpec& spec : specs) {
    if (std::ranges::find(specs_, spec) != specs_.end()) continue;
    spec.check("feature specification");
    const Part& part = parts_.emplace_back(Part{spec.feature().live(), object_bytes_});
    object_bytes_ = aligned(object_bytes_ + part.live->state_bytes());
    max_values_ = std::max(max_values_, part.live->most_values());
    specs_.push_back(spec);
  }
  if (object_bytes_ > BlockPool::kMaxBlock) {
    fail("{} different feature specifications are too many", specs_.size());
  }
}

size_t WindowPlan::index_of(const FeatureSpec& spec) const {
  const auto found = std::ranges::find(specs_, spec);
  if (found == specs_.end()) {
    fail("feature specification {} is not in the window plan", spec.to_json());
  }
  return static_cast<size_t>(found - specs_.begin());
}

WindowReader::WindowReader(const WindowPlan& plan) {
  for (const WindowPlan::Part& part : plan.parts()) readers_.push_back(part.live->make_reader());
}

}  // namespace flowmark
