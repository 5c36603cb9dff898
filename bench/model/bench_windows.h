#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "model/compile/plan.h"

namespace flowmark::bench {

/// Windows with about the same number of values.
struct WindowGroup {
  uint32_t values = 0;  ///< wanted
  std::string origin;   ///< "real", "merged" (of several flows) or "synthetic"
  std::vector<SparseWindow> windows;
};

/// Windows of real flows (packet sequence files or captures) for each wanted number of values;
/// where no flow has so many, several flows' windows are laid over each other; without files,
/// synthetic ones: few packet sizes, bursts.
std::vector<WindowGroup> make_windows(const std::vector<std::filesystem::path>& files,
                                      const FeatureSpec& spec, const std::vector<uint32_t>& wanted,
                                      size_t per_group);

/// The FlowPic network of the paper with random weights for pictures of that size.
NetworkPlan paper_plan(uint32_t side);
void write_paper_model(const std::filesystem::path& path, uint32_t side);

/// A forest on the default histogram: trees grown at random to that depth, with the sparse upper
/// levels and few values that histograms have.
void write_random_forest(const std::filesystem::path& path, uint32_t trees, uint32_t depth);

}  // namespace flowmark::bench
