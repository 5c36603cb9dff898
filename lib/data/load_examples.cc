#include "data/load_examples.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/progress.h"
#include "data/infer_tcp.h"

namespace flowmark {
namespace {

/// Paths in order of first appearance, each with the sources that read it.
std::vector<std::vector<uint32_t>> group_by_path(const std::vector<DataSource>& sources) {
  std::map<std::filesystem::path, size_t> seen;
  std::vector<std::vector<uint32_t>> groups;
  for (uint32_t i = 0; i < sources.size(); ++i) {
    const auto [place, fresh] = seen.emplace(sources[i].path.lexically_normal(), groups.size());
    if (fresh) {
      groups.emplace_back();
    }
    groups[place->second].push_back(i);
  }
  return groups;
}

std::string join(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

bool is_of_wanted_split(const DataSource& source, const RecordedFlow& flow) {
  if (source.only_split.empty()) {
    return true;
  }
  const auto own = flow.attributes.find("split");
  const std::string& split =
      !source.split.empty() || own == flow.attributes.end() ? source.split : own->second;
  return split.empty() ? source.takes_unsplit : split == source.only_split;
}

/// The windows of one flow on their way into the set.
struct CutFlow {
  ExampleFlow flow;
  std::string class_name;
  std::vector<std::pair<ExampleInfo, SparseWindow>> windows;
};

/// By name and length: std::hash differs between libraries.
KeyedRandom random_of(const RecordedFlow& flow) {
  uint64_t key = flow.packets.size();
  for (const char c : flow.name) key = mix64(key ^ static_cast<unsigned char>(c));
  return KeyedRandom(key);
}

/// Classes not given come in order of appearance first; this puts them in order of name.
void sort_classes(std::vector<CutFlow>& flows, std::vector<std::string>& classes) {
  std::vector<std::string> sorted = classes;
  std::sort(sorted.begin(), sorted.end());
  for (CutFlow& flow : flows) {
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), flow.class_name);
    flow.flow.class_index = static_cast<uint32_t>(place - sorted.begin());
  }
  classes = sorted;
}

}  // namespace

uint64_t map_labelled_flows(const std::vector<DataSource>& sources, const TakeFlow& take) {
  const auto groups = group_by_path(sources);
  Progress progress("reading", groups.size());
  uint64_t left_out = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    const std::vector<uint32_t>& group = groups[g];
    const DataSource& first = sources[group.front()];
    progress.note(first.path.filename().string());
    progress.set(g);
    FlowReadOptions reading;
    reading.inside = first.inside;
    reading.parse = first.tunnels;
    map_flows(first.path, reading, [&](RecordedFlow&& flow) -> Deliver {
      for (const uint32_t source : group) {
        if (!sources[source].takes_flow(flow.name)) continue;
        if (!is_of_wanted_split(sources[source], flow)) break;
        const auto name = sources[source].class_of(flow);
        if (!name) continue;
        if (sources[source].infer_tcp) infer_tcp(flow);
        return take(source, *name, flow);
      }
      return [&left_out] { ++left_out; };
    });
  }
  progress.set(groups.size());
  return left_out;
}

void cut_examples(const RecordedFlow& recorded, const FeatureSpec& spec, const CutOptions& cut,
                  const std::function<void(const ExampleInfo&, const OfflineWindow&)>& take) {
  const std::optional<RecordedFlow> impaired =
      cut.impairment.any() ? std::optional(impair(recorded, cut.impairment, random_of(recorded)))
                           : std::nullopt;
  const RecordedFlow& flow = impaired ? *impaired : recorded;
  TilingOptions tiling;
  tiling.min_packets = cut.min_packets;
  const auto take_long = [&](const ExampleInfo& info, const OfflineWindow& window) {
    if (window.span_us >= cut.min_span_us) {
      take(info, window);
    }
  };
  uint32_t last_packets[3] = {0, 0, 0};  // of the prefix before, by side
  for (size_t p = 0; p < cut.prefixes.size(); ++p) {
    if (p > 0 && (cut.prefixes[p].packets == 0) != (cut.prefixes[p - 1].packets == 0)) {
      std::fill(std::begin(last_packets), std::end(last_packets), 0U);  // a row of its own
    }
    tiling.prefix_packets = cut.prefixes[p].packets;
    tiling.prefix_us = cut.prefixes[p].us;
    cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
      uint32_t& last = last_packets[static_cast<size_t>(window.side)];
      ExampleInfo info;
      info.packets = window.packets;
      info.prefix = static_cast<uint16_t>(p);
      info.repeat = window.packets == last;
      last = window.packets;
      take_long(info, window);
    });
  }
  if (cut.served) {
    cut_served_windows(flow, spec, *cut.served, [&](const OfflineWindow& window) {
      ExampleInfo info;
      info.packets = window.packets;
      take_long(info, window);
    });
  } else if (cut.tiles) {
    tiling.prefix_packets = 0;
    tiling.prefix_us = 0;
    tiling.hop_us = cut.hop_us;
    cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
      ExampleInfo info;
      info.packets = window.packets;
      info.repeat =
          window.number == 0 && window.packets == last_packets[static_cast<size_t>(window.side)];
      take_long(info, window);
    });
  }
}

ExampleSet load_examples(const std::vector<DataSource>& sources, const FeatureSpec& spec,
                         const CutOptions& cut, const std::vector<std::string>& classes,
                         LoadCounts& counts) {
  std::vector<CutFlow> flows;
  std::vector<std::string> names = classes;
  counts = {};
  counts.left_out = map_labelled_flows(
      sources,
      [&](uint32_t source, const std::string& class_name, const RecordedFlow& flow) -> Deliver {
        auto cut_flow = std::make_shared<CutFlow>();
        cut_flow->flow = {flow.name,           source, 0,
                          flow.packets.size(), "",     sources[source].attributes_of(flow)};
        cut_flow->flow.session = cut_flow->flow.attribute("session");
        cut_flow->class_name = class_name;
        cut_examples(flow, spec, cut, [&](const ExampleInfo& info, const OfflineWindow& window) {
          cut_flow->windows.emplace_back(info, window.features);
        });
        return [&, cut_flow] {
          auto place = std::find(names.begin(), names.end(), cut_flow->class_name);
          if (place == names.end() && !classes.empty()) {
            fail("{}: flow {} is of class '{}', which is none of: {}",
                 sources[cut_flow->flow.source].where, cut_flow->flow.name, cut_flow->class_name,
                 join(classes));
          }
          if (place == names.end()) {
            place = names.insert(names.end(), cut_flow->class_name);
          }
          cut_flow->flow.class_index = static_cast<uint32_t>(place - names.begin());
          if (cut_flow->windows.empty()) {
            ++counts.thin_flows;
          } else {
            ++counts.flows;
            flows.push_back(std::move(*cut_flow));
          }
        };
      });
  if (classes.empty()) {
    sort_classes(flows, names);
  }

  ExampleSet examples;
  examples.feature_count = spec.length();
  examples.classes = names;
  examples.prefixes = cut.prefixes;
  for (CutFlow& flow : flows) {
    const auto index = static_cast<uint32_t>(examples.flows.size());
    examples.flows.push_back(flow.flow);
    for (auto& [info, window] : flow.windows) {
      info.class_index = flow.flow.class_index;
      info.flow = index;
      examples.add(info, window);
    }
    flow.windows.clear();
    flow.windows.shrink_to_fit();
  }
  return examples;
}

void require_every_class(const ExampleSet& examples) {
  if (examples.classes.size() < 2) {
    fail("the data has {}: a model needs two classes or more",
         examples.classes.empty() ? "no labelled flow"
                                  : "the class '" + examples.classes.front() + "' alone");
  }
  std::vector<uint64_t> windows(examples.classes.size());
  for (size_t row = 0; row < examples.size(); ++row) {
    ++windows[examples.info(row).class_index];
  }
  for (size_t c = 0; c < windows.size(); ++c) {
    if (windows[c] == 0) {
      fail("class '{}' is empty: no window of its flows has enough packets", examples.classes[c]);
    }
  }
}

}  // namespace flowmark
