#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "deployed/flow_outcome.h"
#include "evaluate/bootstrap.h"
#include "evaluate/mean.h"

namespace flowmark {

/// How a live mark (EF, AF41) was used, by packets and by flows.
struct LiveMarkUse {
  uint64_t wanted = 0;                           ///< packets of the classes with this mark
  uint64_t seen = 0;                             ///< of these, left with it
  uint64_t left = 0;                             ///< packets that left with it
  uint64_t of_others = 0;                        ///< of these, of classes with another mark
  uint64_t of_live = 0;                          ///< of these, of classes with another live mark
  uint64_t wanted_flows = 0, seen_flows = 0;     ///< seen: at least one packet left with it
  uint64_t left_flows = 0, of_others_flows = 0;  ///< left: at least one packet did

  double recall() const { return share(seen, wanted); }
  double false_share() const { return share(of_others, left); }

  void add(const LiveMarkUse& other);
};

/// The two figures that an operator asks for, of each live mark.
class LiveMarkUses {
 public:
  /// `group`: what a bootstrap draws together, such as a session.
  void add(const FlowOutcome& flow, const std::string& group);

  struct Row {
    Dscp mark = 0;
    LiveMarkUse use;
    Interval recall, false_share;  ///< empty without replicates
  };
  /// The highest mark first. Percentile intervals as bootstrap_intervals().
  std::vector<Row> rows(const BootstrapOptions& options) const;

 private:
  using ByGroup = std::map<std::string, LiveMarkUse>;
  std::map<Dscp, ByGroup> uses_;
};

}  // namespace flowmark
