#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/load_examples.h"
#include "data/split.h"

namespace flowmark {

/// How recorded flows become a dataset's entries.
struct DatasetOptions {
  bool unidirectional = false;  ///< each direction of a conversation is an entry by itself
  TimeUs first_us = 0;          ///< > 0: only so much of each flow's beginning
  /// Cut flows into blocks of so much time, or so many packets (an incomplete last one is dropped);
  /// at most one of the two. 0, 0: an entry is a whole flow.
  TimeUs block_us = 0;
  uint32_t block_packets = 0;
  uint32_t min_packets = 1;  ///< thinner entries are dropped
  TimeUs min_span_us = 0;    ///< entries whose packets span less time are dropped
  bool balance = false;  ///< random undersampling: as many entries of each class as of the least
  std::string versus;    ///< if not empty: this class against equal shares of all others
  /// Classes such as "voip+chat" are several labels: each has its share on every side of the split.
  bool multilabel = false;
  /// If not empty: every entry gets a `split`, dealt out as SplitOptions says.
  std::string split_by;
  SplitOptions split;

  /// Shapira & Shavitt 2019, IV: unidirectional flows in blocks of 60 s, more than 10 packets in
  /// more than 50 of the 60 s; for other lengths the same share.
  static DatasetOptions flowpic(TimeUs block_us = 60 * kUsPerSecond);
  /// Leroux et al. 2018: windows of 1024 packets of both directions.
  static DatasetOptions tunnel();

  /// Throws Error, beginning with `where`.
  void check(const std::string& where) const;
};

/// What was found, by class.
struct DatasetSummary {
  struct Class {
    std::string name;
    uint64_t entries = 0;
    uint64_t flows = 0;
    uint64_t captures = 0;
    uint64_t packets = 0;
    uint64_t by_part[3] = {0, 0, 0};  ///< entries, by Part; only where they were dealt out
  };
  std::vector<Class> classes;
  bool cut = false;       ///< entries are blocks, not flows
  std::string split_by;   ///< empty: not dealt out
  uint64_t thin = 0;      ///< entries too short
  uint64_t left_out = 0;  ///< flows that the manifest leaves out
  uint64_t dropped = 0;   ///< entries by balancing

  nlohmann::ordered_json to_json() const;
  std::string to_table() const;
};

/// Reads all flows of the sources and says what a dataset of them holds; if `out` is not empty, it
/// is written there (by rename; gzip if it ends in .gz): a packet sequence file, label = class,
/// with all that is known of a flow as attributes, `flow` being the conversation that a block was
/// cut from, and `split`. `train`, `eval` and `experiment` read it. In parallel; the same for the
/// same seed. Throws Error: as map_labelled_flows; no entry; a class without one; options.
DatasetSummary build_dataset(const std::vector<DataSource>& sources, const DatasetOptions& options,
                             const std::filesystem::path& out);

}  // namespace flowmark
