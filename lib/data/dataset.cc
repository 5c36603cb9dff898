#include "data/dataset.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/error.h"
#include "capture/output_file.h"
#include "capture/sequence_file.h"
#include "data/label_sets.h"

namespace flowmark {
namespace {

/// The packets of one direction, or all, up to `first_us`.
RecordedFlow part_of(const RecordedFlow& flow, const Direction* only, TimeUs first_us) {
  RecordedFlow part;
  part.name = flow.name;
  if (only != nullptr) {
    part.name += *only == Direction::up ? " up" : " down";
  }
  for (const FlowPacket& packet : flow.packets) {
    if (only != nullptr && packet.direction != *only) {
      continue;
    }
    if (first_us > 0 && !part.packets.empty() &&
        packet.time_us - part.packets.front().time_us >= first_us) {
      break;
    }
    part.packets.push_back(packet);
  }
  return part;
}

/// Blocks of a flow, named by their number.
void cut_blocks(const RecordedFlow& flow, const DatasetOptions& options,
                std::vector<RecordedFlow>& blocks) {
  const auto& packets = flow.packets;
  if (options.block_us == 0 && options.block_packets == 0) {
    blocks.push_back(flow);
    return;
  }
  uint64_t number = 0;
  for (size_t begin = 0; begin < packets.size();) {
    size_t end = begin;
    if (options.block_packets > 0) {
      end = begin + options.block_packets;
      if (end > packets.size()) {
        return;
      }
      ++number;
    } else {
      const TimeUs start = packets.front().time_us;
      number = static_cast<uint64_t>((packets[begin].time_us - start) / options.block_us) + 1;
      const TimeUs until = start + static_cast<TimeUs>(number) * options.block_us;
      while (end < packets.size() && packets[end].time_us < until) ++end;
    }
    RecordedFlow block;
    block.name = fmt::format("{} #{}", flow.name, number - 1);
    block.packets.assign(packets.begin() + static_cast<ptrdiff_t>(begin),
                         packets.begin() + static_cast<ptrdiff_t>(end));
    blocks.push_back(std::move(block));
    begin = end;
  }
}

bool is_thin(const RecordedFlow& entry, const DatasetOptions& options) {
  return entry.packets.size() < std::max(1U, options.min_packets) ||
         entry.packets.back().time_us - entry.packets.front().time_us < options.min_span_us;
}

/// A flow's entries, in order, and how many were too thin.
struct FlowEntries {
  std::vector<RecordedFlow> entries;
  uint64_t thin = 0;
};

FlowEntries entries_of(const RecordedFlow& flow, const DatasetOptions& options) {
  std::vector<RecordedFlow> blocks;
  if (options.unidirectional) {
    for (const Direction direction : {Direction::up, Direction::down}) {
      cut_blocks(part_of(flow, &direction, options.first_us), options, blocks);
    }
  } else {
    cut_blocks(part_of(flow, nullptr, options.first_us), options, blocks);
  }
  FlowEntries result;
  for (RecordedFlow& block : blocks) {
    if (block.packets.empty()) {
      continue;
    }
    if (is_thin(block, options)) {
      ++result.thin;
    } else {
      result.entries.push_back(std::move(block));
    }
  }
  return result;
}

std::string without_commas(std::string text) {
  std::replace(text.begin(), text.end(), ',', ';');
  return text;
}

/// Both passes over the data: first what there is, then, what was chosen of it.
class DatasetBuilder {
 public:
  DatasetBuilder(const std::vector<DataSource>& sources, const DatasetOptions& options)
      : sources_(sources), options_(options) {}

  DatasetSummary build(const std::filesystem::path& out) {
    options_.check("dataset");
    find_entries();
    require_every_class(examples_);
    choose();
    if (!options_.split_by.empty()) {
      deal_out();
    }
    if (!out.empty()) {
      write(out);
    }
    return summary();
  }

 private:
  void find_entries() {
    std::vector<std::string> names;
    summary_.left_out = map_labelled_flows(sources_, [&](uint32_t source, const std::string& name,
                                                         const RecordedFlow& flow) {
      auto found = std::make_shared<std::vector<uint32_t>>();
      const FlowEntries entries = entries_of(flow, options_);
      for (const RecordedFlow& entry : entries.entries) {
        found->push_back(static_cast<uint32_t>(entry.packets.size()));
      }
      auto info = std::make_shared<ExampleFlow>();
      *info = {flow.name, source, 0, flow.packets.size(), "", sources_[source].attributes_of(flow)};
      info->session = info->attribute("session");
      return Deliver([this, &names, found, info, name, thin = entries.thin] {
        const auto place = std::find(names.begin(), names.end(), name);
        info->class_index = static_cast<uint32_t>(place - names.begin());
        if (place == names.end()) names.push_back(name);
        summary_.thin += thin;
        const auto flow_index = static_cast<uint32_t>(examples_.flows.size());
        examples_.flows.push_back(*info);
        for (const uint32_t packets : *found) {
          ExampleInfo row;
          row.class_index = info->class_index;
          row.flow = flow_index;
          row.packets = packets;
          examples_.add(row, {});
        }
      });
    });
    examples_.classes = names;
    std::vector<uint32_t> all(examples_.size());
    for (uint32_t row = 0; row < all.size(); ++row) all[row] = row;
    // In order of name, as everywhere.
    examples_ =
        relabel(examples_, all, [&](const ExampleFlow& flow) { return names[flow.class_index]; });
  }

  void choose() {
    for (uint32_t row = 0; row < examples_.size(); ++row) chosen_.push_back(row);
    if (!options_.versus.empty()) {
      const auto& names = examples_.classes;
      const auto place = std::find(names.begin(), names.end(), options_.versus);
      if (place == names.end()) {
        fail("versus {}: the data has no such class, but {}", options_.versus,
             fmt::join(names, ", "));
      }
      chosen_ = against_others(examples_, chosen_, static_cast<uint32_t>(place - names.begin()),
                               options_.split.seed);
    } else if (options_.balance) {
      chosen_ = undersample(examples_, chosen_, options_.split.seed);
    }
    summary_.dropped = examples_.size() - chosen_.size();
  }

  /// Splits are dealt out among what was chosen, by the classes that will be there.
  void deal_out() {
    ExampleSet kept = relabel(
        examples_, chosen_, [&](const ExampleFlow& flow) { return class_name(flow.class_index); });
    if (options_.multilabel) to_label_sets(kept);
    SplitOptions split = options_.split;
    split.by = options_.split_by;
    parts_ = split_examples(kept, sources_, split).parts;
  }

  std::string class_name(uint32_t index) const {
    const std::string& name = examples_.classes[index];
    return options_.versus.empty() || name == options_.versus ? name : "not " + options_.versus;
  }

  void write(const std::filesystem::path& path) {
    OutputFile out(path);
    size_t row = 0;   // of all entries
    size_t next = 0;  // into chosen_
    map_labelled_flows(sources_, [&](uint32_t, const std::string&, const RecordedFlow& flow) {
      auto entries = std::make_shared<FlowEntries>(entries_of(flow, options_));
      return Deliver([&, entries] {
        for (RecordedFlow& entry : entries->entries) {
          if (next == chosen_.size() || chosen_[next] != row++) {
            continue;
          }
          describe(entry, next++);
          std::string text;
          append_sequence(entry, text);
          out.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
        }
      });
    });
    if (next != chosen_.size()) {
      fail("{}: the data changed while it was read", path.string());
    }
    out.commit();
  }

  /// Names an entry and says all that is known of it.
  void describe(RecordedFlow& entry, size_t chosen) const {
    const ExampleInfo& info = examples_.info(chosen_[chosen]);
    const ExampleFlow& flow = examples_.flows[info.flow];
    entry.name = without_commas(entry.name);
    entry.label = without_commas(class_name(info.class_index));
    for (const auto& [key, value] : flow.attributes) {
      if (key != "label" && key != "split" && key.find_first_of(",=") == key.npos &&
          !value.empty()) {
        entry.attributes[key] = without_commas(value);
      }
    }
    entry.attributes.emplace("flow", without_commas(flow.name));
    static const char* const kParts[] = {"train", "validation", "test"};
    if (!parts_.empty()) {
      entry.attributes["split"] = kParts[static_cast<size_t>(parts_[chosen])];
    } else if (const std::string& laid_down = flow.attribute("split"); !laid_down.empty()) {
      entry.attributes["split"] = laid_down;
    }
  }

  DatasetSummary summary() {
    std::map<std::string, DatasetSummary::Class> classes;
    std::map<std::string, std::set<std::string>> captures;
    std::map<std::string, std::set<uint32_t>> flows;
    for (size_t i = 0; i < chosen_.size(); ++i) {
      const ExampleInfo& info = examples_.info(chosen_[i]);
      const std::string name = class_name(info.class_index);
      DatasetSummary::Class& of_class = classes[name];
      ++of_class.entries;
      of_class.packets += info.packets;
      captures[name].insert(examples_.flows[info.flow].attribute("capture"));
      flows[name].insert(info.flow);
      if (!parts_.empty()) ++of_class.by_part[static_cast<size_t>(parts_[i])];
    }
    for (auto& [name, of_class] : classes) {
      of_class.name = name;
      of_class.flows = flows[name].size();
      of_class.captures = captures[name].size();
      summary_.classes.push_back(of_class);
    }
    summary_.cut = options_.block_us > 0 || options_.block_packets > 0;
    summary_.split_by = options_.split_by;
    return summary_;
  }

  const std::vector<DataSource>& sources_;
  const DatasetOptions& options_;
  ExampleSet examples_;  ///< an entry a row, without features
  std::vector<uint32_t> chosen_;
  std::vector<Part> parts_;  ///< of chosen_; empty: not dealt out
  DatasetSummary summary_;
};

}  // namespace

DatasetSummary build_dataset(const std::vector<DataSource>& sources, const DatasetOptions& options,
                             const std::filesystem::path& out) {
  return DatasetBuilder(sources, options).build(out);
}

}  // namespace flowmark
