#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiment/experiment.h"

namespace flowmark {

/// Which windows of a cell are learnt from and which judge it.
struct CellWindows {
  std::vector<std::string> classes;
  struct Member {
    uint32_t window = 0;  ///< index into the windows cut
    uint32_t class_index = 0;
    uint32_t group = 0;
  };
  std::vector<Member> train, validation, test;
  std::string lacks;  ///< why there is nothing to be done; the rest is then without meaning
};

/// Deals a cell's windows out: what belongs together (options.split) stays together, recordings
/// whose split the data lays down go there, classes are capped at options.max_windows drawn at
/// random, and of class_vs_all the others come in equal shares. The same for the same seed.
/// Multi-label cells: experiment/mix.h.
CellWindows deal_cell(const ExperimentCell& cell, const std::vector<Recording>& recordings,
                      const std::vector<RecordedWindow>& windows, const ExperimentOptions& options,
                      uint64_t seed);

/// The number of the group that each recording is in (for "window": its own; windows are then dealt
/// out singly).
std::vector<uint32_t> group_recordings(const std::vector<Recording>& recordings,
                                       const std::string& split);

enum class DealtPart : uint8_t { none, train, validation, test };
/// Deals groups out, by stratum: groups[i] in stratum strata[i] (of its first window), laid_down[i]
/// "train", "validation", "test" or empty. One group of a stratum: to training. Two: one for the
/// test.
std::vector<DealtPart> deal_groups(const std::vector<uint32_t>& strata,
                                   const std::vector<std::string>& laid_down,
                                   const ExperimentOptions& options, uint64_t seed);

}  // namespace flowmark
