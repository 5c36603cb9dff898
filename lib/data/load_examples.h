#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"
#include "data/example_set.h"
#include "data/flow_map.h"
#include "data/impair.h"
#include "data/manifest.h"
#include "feature/feature_spec.h"
#include "window/served_windows.h"

namespace flowmark {

/// What to do with a flow of a source whose class is known: runs on oneTBB's threads; what it
/// returns runs on the calling thread, in order.
using TakeFlow = std::function<Deliver(uint32_t source, const std::string& class_name,
                                       const RecordedFlow& flow)>;

/// Goes through the labelled flows of all sources, in a fixed order. Entries of one file read it
/// once; a flow belongs to the first entry that takes it and does not map its label to nothing.
/// Returns how many flows were left out: no entry has them. Throws Error naming file and flow.
uint64_t map_labelled_flows(const std::vector<DataSource>& sources, const TakeFlow& take);

/// Which windows are cut from every flow.
struct CutOptions {
  bool tiles = true;  ///< the full windows, one after the other
  /// In their place: the windows that the daemon would ask a model about.
  std::optional<ServedOptions> served;
  TimeUs hop_us = 0;          ///< of the tiling; 0: the window's length
  uint32_t min_packets = 10;  ///< thinner windows are dropped
  TimeUs min_span_us = 0;     ///< windows whose packets span less time are dropped
  /// The flow's beginnings too, so that a model knows what it will be asked early on, ascending.
  std::vector<FlowPrefix> prefixes;
  /// Done to every flow before it is cut; the same for a flow of the same name and length.
  Impairment impairment;
};

/// Cuts one flow: `take(info, window)` with class_index and flow of `info` left at 0. Pictures:
/// both directions of each prefix.
void cut_examples(const RecordedFlow& flow, const FeatureSpec& spec, const CutOptions& cut,
                  const std::function<void(const ExampleInfo&, const OfflineWindow&)>& take);

struct LoadCounts {
  uint64_t flows = 0;       ///< with at least one window
  uint64_t thin_flows = 0;  ///< none of whose windows had min_packets
  uint64_t left_out = 0;    ///< see map_labelled_flows
};

/// Cuts the windows of all sources' flows, in parallel, in a fixed order. `classes`: their order;
/// empty: all that occur, by name. Throws Error naming file and flow: unreadable, no label, a class
/// that is not in `classes`.
ExampleSet load_examples(const std::vector<DataSource>& sources, const FeatureSpec& spec,
                         const CutOptions& cut, const std::vector<std::string>& classes,
                         LoadCounts& counts);

/// Throws Error unless there are two classes or more and each has a window.
void require_every_class(const ExampleSet& examples);

}  // namespace flowmark
