#pragma once

#include <memory>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/live_feature.h"

namespace flowmark {

/// The different feature specifications that the running models need, prepared once (bin tables,
/// layout of the per-flow object). Immutable; shared by all flows of a model set.
class WindowPlan {
 public:
  /// Throws Error if a specification does not pass FeatureSpec::check, or there are too many (more
  /// than some hundreds).
  explicit WindowPlan(const std::vector<FeatureSpec>& specs);

  /// Specs without duplicates, in order of first appearance.
  const std::vector<FeatureSpec>& specs() const noexcept { return specs_; }
  /// Index into specs() of a spec given to the constructor. Throws Error if it was not.
  size_t index_of(const FeatureSpec& spec) const;
  /// Bytes of a FlowWindows object made for this plan.
  size_t object_bytes() const noexcept { return object_bytes_; }
  /// The most values that a window of any spec has.
  size_t max_values() const noexcept { return max_values_; }

  /// The windows of one spec, and where a FlowWindows object has their state.
  struct Part {
    std::unique_ptr<const LiveFeature> live;
    size_t offset = 0;  ///< bytes
  };
  /// In the order of specs().
  const std::vector<Part>& parts() const noexcept { return parts_; }

 private:
  std::vector<FeatureSpec> specs_;
  std::vector<Part> parts_;
  size_t object_bytes_ = 0;
  size_t max_values_ = 0;
};

}  // namespace flowmark
