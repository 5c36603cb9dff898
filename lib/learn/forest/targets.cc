#include "learn/forest/targets.h"

#include <bit>
#include <map>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kMaxGroups = 65535;

}  // namespace

ForestTargets ForestTargets::of_classes(const ExampleSet& examples, std::span<const uint32_t> rows,
                                        const ForestOptions& options) {
  ForestTargets targets;
  targets.classes = static_cast<uint32_t>(examples.classes.size());
  if (targets.classes > kMaxGroups) {
    fail("{} classes: a forest takes at most {}", targets.classes, kMaxGroups);
  }
  std::vector<uint64_t> count(targets.classes, 0);
  for (const uint32_t row : rows) {
    targets.group.push_back(static_cast<uint16_t>(examples.info(row).class_index));
    ++count[targets.group.back()];
  }
  if (targets.classes == 1) {
    fail("'{}' is the only class: at least two are needed", examples.classes[0]);
  }
  for (uint32_t c = 0; c < targets.classes; ++c) {
    if (count[c] == 0) {
      fail("class '{}' is empty: no window to train on", examples.classes[c]);
    }
    const double even = static_cast<double>(rows.size()) /
                        (static_cast<double>(count[c]) * static_cast<double>(targets.classes));
    targets.yes_weight.push_back(options.balanced                ? even
                                 : options.class_weights.empty() ? 1
                                                                 : options.class_weights[c]);
  }
  return targets;
}

ForestTargets ForestTargets::of_label_sets(const ExampleSet& examples,
                                           std::span<const uint64_t> label_sets,
                                           const ForestOptions& options) {
  ForestTargets targets;
  targets.classes = static_cast<uint32_t>(examples.classes.size());
  targets.multilabel = true;
  if (targets.classes == 0 || targets.classes > 64) {
    fail("{} outputs: a multi-label forest takes 1..64", targets.classes);
  }
  std::map<uint64_t, uint16_t> group_of;
  std::vector<double> count(targets.classes, 0);
  for (const uint64_t set : label_sets) {
    if (targets.classes < 64 && (set >> targets.classes) != 0) {
      fail("a window has label {}; there are {} classes", std::bit_width(set) - 1, targets.classes);
    }
    const auto [place, fresh] = group_of.emplace(set, static_cast<uint16_t>(group_of.size()));
    if (fresh) {
      targets.label_set.push_back(set);
      if (group_of.size() > kMaxGroups) {
        fail("more than {} different sets of labels", kMaxGroups);
      }
    }
    targets.group.push_back(place->second);
    for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
      ++count[static_cast<size_t>(std::countr_zero(rest))];
    }
  }
  const auto rows = static_cast<double>(label_sets.size());
  for (uint32_t c = 0; c < targets.classes; ++c) {
    if (count[c] == 0 || count[c] == rows) {
      fail("label '{}' is {}: windows with and without it are needed", examples.classes[c],
           count[c] == 0 ? "on no window" : "on every window");
    }
    const double given = options.class_weights.empty() ? 1 : options.class_weights[c];
    targets.yes_weight.push_back(options.balanced ? rows / (2 * count[c]) : given);
    targets.no_weight.push_back(options.balanced ? rows / (2 * (rows - count[c])) : 1);
  }
  return targets;
}

void ForestTargets::leaf_values(std::span<const uint32_t> group_counts,
                                std::span<float> values) const {
  std::vector<double> yes(classes, 0);
  double total = 0;
  for (uint32_t g = 0; g < group_counts.size(); ++g) {
    const double count = group_counts[g];
    total += multilabel ? count : count * yes_weight[g];
    if (!multilabel) {
      yes[g] = count * yes_weight[g];
      continue;
    }
    for (uint64_t set = label_set[g]; set != 0; set &= set - 1) {
      yes[static_cast<size_t>(std::countr_zero(set))] += count;
    }
  }
  for (uint32_t c = 0; c < classes; ++c) {
    double share = yes[c] / total;
    if (multilabel) {
      const double of_yes = yes[c] * yes_weight[c];
      share = of_yes / (of_yes + (total - yes[c]) * no_weight[c]);
    }
    values[c] = static_cast<float>(share);
  }
}

}  // namespace flowmark
