#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "feature/sparse_window.h"

namespace flowmark {

/// Where a window for learning or judging comes from.
struct ExampleInfo {
  static constexpr uint16_t kTile = 0xffff;

  uint32_t class_index = 0;
  uint32_t flow = 0;     ///< index into ExampleSet::flows
  uint32_t packets = 0;  ///< in the window
  uint16_t prefix =
      kTile;            ///< index into ExampleSet::prefixes, or kTile: a full window of the tiling
  bool repeat = false;  ///< the flow is no longer than its shorter prefix: the same window once
                        ///< more, for judging only
  uint64_t label_set = 0;  ///< of a multi-label set: bit c for classes[c]; class_index is not read
};

/// A labelled flow some windows were cut from.
struct ExampleFlow {
  std::string name;
  uint32_t source = 0;  ///< index into the sources that were loaded
  uint32_t class_index = 0;
  uint64_t packets = 0;
  std::string session;  ///< the recording it is from; empty if the manifest does not say
  /// Everything known of it (DataSource::attributes_of): label, application, encryption, capture,
  /// group, split, ...
  std::map<std::string, std::string> attributes;
  uint64_t label_set = 0;  ///< of a multi-label set, as ExampleInfo::label_set

  /// Empty if it is not known.
  const std::string& attribute(const std::string& key) const;
};

/// The first so many packets, or so much time, of a flow; one of the two is 0.
struct FlowPrefix {
  uint32_t packets = 0;
  int64_t us = 0;
};
/// "16 packets", "2 s".
std::string to_string(const FlowPrefix& prefix);

/// Labelled windows as sparse rows of one matrix (CSR).
class ExampleSet {
 public:
  uint32_t feature_count = 0;
  bool multilabel = false;  ///< several classes at once: ExampleInfo::label_set, at most 64 classes
  std::vector<std::string> classes;
  std::vector<ExampleFlow> flows;
  std::vector<FlowPrefix> prefixes;

  /// Throws Error when a value is not finite or an index not below feature_count.
  void add(const ExampleInfo& info, std::span<const SparseValue> window);
  /// Turns classes into sets of labels: an example of class c gets sets[c]. See to_label_sets.
  void make_multilabel(const std::vector<std::string>& labels, std::span<const uint64_t> sets);

  size_t size() const noexcept { return info_.size(); }
  const ExampleInfo& info(size_t row) const noexcept { return info_[row]; }
  std::span<const SparseValue> row(size_t row) const noexcept {
    return {values_.data() + row_start_[row], values_.data() + row_start_[row + 1]};
  }

 private:
  std::vector<ExampleInfo> info_;
  std::vector<uint64_t> row_start_{0};
  std::vector<SparseValue> values_;
};

/// The rows (in their order) with other classes: `class_of` says a flow's new class, nullopt leaves
/// its rows out. Classes come in the order given; empty: all that occur, by name. Single-label.
/// Throws Error when a class is none of those given.
ExampleSet relabel(const ExampleSet& examples, std::span<const uint32_t> rows,
                   const std::function<std::optional<std::string>(const ExampleFlow&)>& class_of,
                   const std::vector<std::string>& classes = {});

/// A random choice of the rows by which every class has as many as the smallest one has (Shapira &
/// Shavitt 2019, IV), ascending; the same for the same seed everywhere. Of a multi-label set every
/// set of labels that occurs counts as a class.
std::vector<uint32_t> undersample(const ExampleSet& examples, std::span<const uint32_t> rows,
                                  uint64_t seed);

/// Each of the rows as often as its flow is to count, one behind the other.
std::vector<uint32_t> repeated(const ExampleSet& examples, std::span<const uint32_t> rows,
                               const std::function<uint32_t(const ExampleFlow&)>& times);

/// For a one-against-all set: all rows of class `positive` and as many of the others, in equal
/// shares of the other classes as far as they have so many (IV.C there), ascending.
std::vector<uint32_t> against_others(const ExampleSet& examples, std::span<const uint32_t> rows,
                                     uint32_t positive, uint64_t seed);

}  // namespace flowmark
