#include "data/example_set.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"
#include "base/time.h"
#include "data/label_sets.h"
#include "data/shuffle.h"

namespace flowmark {

std::string to_string(const FlowPrefix& prefix) {
  if (prefix.packets > 0) {
    return fmt::format("{} packets", prefix.packets);
  }
  return fmt::format("{} s", static_cast<double>(prefix.us) / static_cast<double>(kUsPerSecond));
}

void ExampleSet::add(const ExampleInfo& info, std::span<const SparseValue> window) {
  for (const SparseValue& value : window) {
    if (value.index >= feature_count || !std::isfinite(value.value)) {
      fail("flow {}: a window has the value {} at feature {}: must be finite and below feature {}",
           info.flow < flows.size() ? flows[info.flow].name : "?", value.value, value.index,
           feature_count);
    }
  }
  info_.push_back(info);
  values_.insert(values_.end(), window.begin(), window.end());
  row_start_.push_back(values_.size());
}

void ExampleSet::make_multilabel(const std::vector<std::string>& labels,
                                 std::span<const uint64_t> sets) {
  for (ExampleInfo& info : info_) {
    info.label_set = sets[info.class_index];
  }
  classes = labels;
  multilabel = true;
}

ExampleSet relabel(const ExampleSet& examples, std::span<const uint32_t> rows,
                   const std::function<std::optional<std::string>(const ExampleFlow&)>& class_of,
                   const std::vector<std::string>& classes) {
  std::vector<std::optional<std::string>> names;
  ExampleSet out;
  out.feature_count = examples.feature_count;
  out.prefixes = examples.prefixes;
  out.flows = examples.flows;
  out.classes = classes;
  for (const ExampleFlow& flow : examples.flows) {
    names.push_back(class_of(flow));
    if (classes.empty() && names.back()) {
      out.classes.push_back(*names.back());
    }
  }
  if (classes.empty()) {
    std::sort(out.classes.begin(), out.classes.end());
    out.classes.erase(std::unique(out.classes.begin(), out.classes.end()), out.classes.end());
  }
  for (size_t f = 0; f < names.size(); ++f) {
    if (!names[f]) {
      continue;
    }
    const auto place = std::find(out.classes.begin(), out.classes.end(), *names[f]);
    if (place == out.classes.end()) {
      fail("flow {} is of class '{}', which is none of those asked for", out.flows[f].name,
           *names[f]);
    }
    out.flows[f].class_index = static_cast<uint32_t>(place - out.classes.begin());
  }
  for (const uint32_t row : rows) {
    ExampleInfo info = examples.info(row);
    if (!names[info.flow]) {
      continue;
    }
    info.class_index = out.flows[info.flow].class_index;
    info.label_set = 0;
    out.add(info, examples.row(row));
  }
  return out;
}

namespace {

/// The rows of each class, in random order.
std::vector<std::vector<uint32_t>> shuffled_by_class(const ExampleSet& examples,
                                                     std::span<const uint32_t> rows,
                                                     std::mt19937_64& random) {
  const Strata strata = strata_of(examples);
  std::vector<std::vector<uint32_t>> by_class(strata.names.size());
  for (const uint32_t row : rows) {
    by_class[strata.of_row[row]].push_back(row);
  }
  for (std::vector<uint32_t>& of_class : by_class) {
    shuffle(of_class, random);
  }
  return by_class;
}

}  // namespace

std::vector<uint32_t> undersample(const ExampleSet& examples, std::span<const uint32_t> rows,
                                  uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto by_class = shuffled_by_class(examples, rows, random);
  size_t least = rows.size();
  for (const std::vector<uint32_t>& of_class : by_class) {
    least = std::min(least, of_class.empty() ? least : of_class.size());
  }
  std::vector<uint32_t> out;
  for (const std::vector<uint32_t>& of_class : by_class) {
    out.insert(out.end(), of_class.begin(),
               of_class.begin() + static_cast<ptrdiff_t>(std::min(least, of_class.size())));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<uint32_t> repeated(const ExampleSet& examples, std::span<const uint32_t> rows,
                               const std::function<uint32_t(const ExampleFlow&)>& times) {
  std::vector<uint32_t> out;
  for (const uint32_t row : rows) {
    out.insert(out.end(), times(examples.flows[examples.info(row).flow]), row);
  }
  return out;
}

std::vector<uint32_t> against_others(const ExampleSet& examples, std::span<const uint32_t> rows,
                                     uint32_t positive, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto by_class = shuffled_by_class(examples, rows, random);
  std::vector<uint32_t> out = by_class.at(positive);
  by_class.erase(by_class.begin() + positive);
  std::sort(by_class.begin(), by_class.end(),
            [](const auto& a, const auto& b) { return a.size() < b.size(); });
  size_t wanted = out.size();
  for (size_t i = 0; i < by_class.size(); ++i) {  // what a small class lacks the larger ones give
    const size_t share = std::min(by_class[i].size(), wanted / (by_class.size() - i));
    out.insert(out.end(), by_class[i].begin(), by_class[i].begin() + static_cast<ptrdiff_t>(share));
    wanted -= share;
  }
  std::sort(out.begin(), out.end());
  return out;
}

const std::string& ExampleFlow::attribute(const std::string& key) const {
  static const std::string none;
  const auto found = attributes.find(key);
  return found == attributes.end() ? none : found->second;
}

}  // namespace flowmark
