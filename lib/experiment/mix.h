#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiment/experiment.h"

namespace flowmark {

/// Windows of several kinds of traffic at once, and what is in each.
struct MixedWindows {
  std::vector<std::string> labels;
  struct Window {
    SparseWindow features;
    uint64_t set = 0;    ///< bits of the labels
    uint32_t group = 0;  ///< windows of one mixture
  };
  std::vector<Window> train, test;
  bool own = false;   ///< the data's own mixtures
  std::string lacks;  ///< why there are none
};

/// Recordings of one technique as they would look in one tunnel: the data's own mixtures (labels
/// such as "voip+chat") where it has any, else one to three recordings of different categories laid
/// over each other, all from the same side of the split. A label belongs to a window if
/// kLeastPackets of its packets are in it.
MixedWindows mix_windows(const ExperimentCell& cell, const ExperimentData& data,
                         const ExperimentOptions& options, uint64_t seed);
inline constexpr uint32_t kLeastMixedPackets = 20;

/// Packets of several flows in one, each shifted to begin at time 0, up to `most` packets. `from`:
/// which flow each is of.
struct Overlay {
  RecordedFlow flow;
  std::vector<uint8_t> from;
};
Overlay overlay_flows(const std::vector<const RecordedFlow*>& flows, size_t most);

}  // namespace flowmark
