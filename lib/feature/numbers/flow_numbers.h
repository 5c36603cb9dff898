#pragma once

#include <cstdint>
#include <memory>

#include "feature/feature_spec.h"

namespace flowmark {

/// Numbers of a flow: its age, packets, bytes and rates, quantiles of sizes and gaps, silence, and
/// its first packets. The tensor is [1, length]; docs/models.md has what stands where.
struct FlowNumbersSpec {
  static constexpr uint32_t kMostFirst = 16;

  /// 0: all numbers count from the flow's first packet. Else, 10 ms to 1 h: all but the age and the
  /// first packets cover at most this much and at least half of it. They are counted in halves of
  /// the window, one behind the other from the flow's first packet on: the half that the newest
  /// packet lies in, and the one before.
  TimeUs window_us = 0;
  uint32_t first = 12;  ///< packets whose sizes and gaps stand in the tensor: 0 to kMostFirst

  friend bool operator==(const FlowNumbersSpec&, const FlowNumbersSpec&) = default;
};

/// The specification of such numbers. Not checked yet.
FeatureSpec flow_numbers(const FlowNumbersSpec& spec);

/// For the list of kinds.
FeatureKind flow_numbers_kind();

/// The numbers of live flows.
std::unique_ptr<const LiveFeature> live_numbers(const FlowNumbersSpec& spec);

}  // namespace flowmark
