#include "data/augment_examples.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"

namespace flowmark {
namespace {

/// A flow's place: its source and its name.
using NamedFlow = std::pair<uint32_t, std::string>;

/// The flows to copy, by their index in the set.
std::map<NamedFlow, uint32_t> flows_to_copy(const ExampleSet& examples,
                                            std::span<const uint32_t> train) {
  std::vector<bool> in_train(examples.size(), false);
  std::vector<bool> wanted(examples.flows.size(), false);
  for (const uint32_t row : train) {
    in_train[row] = true;
    wanted[examples.info(row).flow] = true;
  }
  for (size_t row = 0; row < examples.size(); ++row) {
    if (!in_train[row] && !examples.info(row).repeat) {
      wanted[examples.info(row).flow] = false;
    }
  }
  std::map<NamedFlow, uint32_t> flows;
  std::set<NamedFlow> twice;
  for (uint32_t f = 0; f < examples.flows.size(); ++f) {
    const NamedFlow key{examples.flows[f].source, examples.flows[f].name};
    if (!flows.emplace(key, f).second) {
      twice.insert(key);
    }
  }
  std::erase_if(flows, [&](const auto& entry) {
    return !wanted[entry.second] || twice.contains(entry.first);
  });
  return flows;
}

TimeUs longest(const FeatureSpec& spec, const CutOptions& cut) {
  if (cut.tiles || cut.prefixes.empty()) {
    return 0;
  }
  TimeUs most = 0;
  for (const FlowPrefix& prefix : cut.prefixes) {
    if (prefix.us == 0) {
      return spec.is_by_time() ? spec.window_us() : 0;
    }
    most = std::max(most, prefix.us);
  }
  return most;
}

}  // namespace

std::vector<uint32_t> augment_examples(ExampleSet& examples, const std::vector<DataSource>& sources,
                                       const FeatureSpec& spec, const CutOptions& cut,
                                       std::span<const uint32_t> train,
                                       const AugmentOptions& options) {
  if (options.kinds.empty() || options.copies == 0) {
    fail("nothing to augment with: {} kinds, {} copies", options.kinds.size(), options.copies);
  }
  const std::map<NamedFlow, uint32_t> flows = flows_to_copy(examples, train);
  const TimeUs within_us = longest(spec, cut);
  const KeyedRandom random(options.seed);
  std::vector<uint32_t> rows;
  using Windows = std::vector<std::pair<ExampleInfo, SparseWindow>>;
  map_labelled_flows(
      sources, [&](uint32_t source, const std::string&, const RecordedFlow& flow) -> Deliver {
        const auto found = flows.find({source, flow.name});
        if (found == flows.end()) {
          return {};
        }
        const uint32_t index = found->second;
        auto windows = std::make_shared<Windows>();
        for (uint32_t copy = 0; copy < options.copies; ++copy) {
          const Augmentation kind = options.kinds[copy % options.kinds.size()];
          const RecordedFlow changed = augment(flow, kind, within_us, random.sub(index).sub(copy));
          cut_examples(changed, spec, cut,
                       [&](const ExampleInfo& info, const OfflineWindow& window) {
                         if (info.repeat) return;
                         windows->emplace_back(info, window.features);
                         windows->back().first.flow = index;
                         windows->back().first.class_index = examples.flows[index].class_index;
                         windows->back().first.label_set = examples.flows[index].label_set;
                       });
        }
        return [&examples, &rows, windows] {
          for (const auto& [info, window] : *windows) {
            rows.push_back(static_cast<uint32_t>(examples.size()));
            examples.add(info, window);
          }
        };
      });
  return rows;
}

}  // namespace flowmark
