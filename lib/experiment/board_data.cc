// Which windows the board learns from and judges, and what it leaves out.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>

#include "base/error.h"
#include "base/hash_text.h"
#include "data/load_examples.h"
#include "data/prefixes.h"
#include "data/shuffle.h"
#include "experiment/board.h"

namespace flowmark {
namespace {

const std::string& known_source(const ExampleFlow& flow) {
  const std::string& source = flow.attribute("source");
  if (source.empty()) {
    fail("flow {} has no key 'source': the board leaves out one source at a time", flow.name);
  }
  return source;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != text.npos) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

/// Flows that are drawn, at most so many of a class and source.
std::vector<bool> drawn_flows(const ExampleSet& examples, const BoardOptions& options) {
  std::map<std::pair<uint32_t, std::string>, std::vector<uint32_t>> members;
  for (uint32_t f = 0; f < examples.flows.size(); ++f) {
    const ExampleFlow& flow = examples.flows[f];
    members[{flow.class_index, known_source(flow)}].push_back(f);
  }
  std::vector<bool> drawn(examples.flows.size(), false);
  std::mt19937_64 random(options.seed);
  for (auto& [key, flows] : members) {
    shuffle(flows, random);
    flows.resize(std::min<size_t>(flows.size(), options.max_flows));
    for (const uint32_t flow : flows) drawn[flow] = true;
  }
  return drawn;
}

/// Whether the full window `number` of `all` is one of `most` that are spread evenly.
bool is_spread(uint32_t number, uint32_t all, uint32_t most) {
  if (all <= most) return true;
  const auto slot = [&](uint32_t n) { return uint64_t{n} * most / all; };
  return number == 0 || slot(number) != slot(number - 1);
}

/// The set with what is drawn only.
ExampleSet thinned(const ExampleSet& examples, const BoardOptions& options) {
  const std::vector<bool> drawn = drawn_flows(examples, options);
  std::vector<uint32_t> full_windows(examples.flows.size(), 0);
  for (size_t row = 0; row < examples.size(); ++row) {
    const ExampleInfo& info = examples.info(row);
    full_windows[info.flow] += info.prefix == ExampleInfo::kTile ? 1 : 0;
  }
  ExampleSet kept;
  kept.feature_count = examples.feature_count;
  kept.classes = examples.classes;
  kept.prefixes = examples.prefixes;
  std::vector<uint32_t> new_index(examples.flows.size());
  for (uint32_t f = 0; f < examples.flows.size(); ++f) {
    new_index[f] = static_cast<uint32_t>(kept.flows.size());
    if (drawn[f]) kept.flows.push_back(examples.flows[f]);
  }
  std::vector<uint32_t> next(examples.flows.size(), 0);
  for (size_t row = 0; row < examples.size(); ++row) {
    ExampleInfo info = examples.info(row);
    const uint32_t flow = info.flow;
    if (!drawn[flow]) continue;
    if (info.prefix == ExampleInfo::kTile &&
        !is_spread(next[flow]++, full_windows[flow], options.flow_windows)) {
      continue;
    }
    info.flow = new_index[flow];
    kept.add(info, examples.row(row));
  }
  return kept;
}

uint64_t digest_of(const ExampleSet& examples) {
  uint64_t hash = 0;
  for (const std::string& name : examples.classes) hash = hash_text(hash, name);
  for (const ExampleFlow& flow : examples.flows) {
    hash = hash_text(mix64(hash ^ flow.packets), flow.name);
    for (const auto& [key, value] : flow.attributes) {
      hash = hash_text(hash_text(hash, key), value);
    }
  }
  for (size_t row = 0; row < examples.size(); ++row) {
    const ExampleInfo& info = examples.info(row);
    hash =
        mix64(hash ^ (uint64_t{info.flow} << 32 | uint64_t{info.prefix} << 16 | info.class_index));
    for (const SparseValue& value : examples.row(row)) {
      hash = mix64(hash ^ (uint64_t{value.index} << 32 | std::bit_cast<uint32_t>(value.value)));
    }
  }
  return hash;
}

/// The axes and values that a flow is left out by.
std::vector<std::pair<std::string, std::string>> places_of(const ExampleFlow& flow) {
  const std::string& source = known_source(flow);
  const std::vector<std::string> keys = words_of(flow.attribute("leave_out_by"));
  if (keys.empty()) return {{"source", source}};
  std::vector<std::pair<std::string, std::string>> places;
  for (const std::string& key : keys) {
    const std::string& value = flow.attribute(key);
    if (value.empty()) continue;  // what is not known of it leaves it in
    places.emplace_back(source.substr(0, source.find('/')) + " " + key, value);
  }
  return places;
}

}  // namespace

BoardData load_board_data(const std::vector<DataSource>& sources, const BoardOptions& options) {
  CutOptions cut;
  cut.prefixes = training_prefixes(options.spec);
  const auto is_early = [](const FlowPrefix& prefix) { return prefix.packets == kEarlyPackets; };
  if (std::none_of(cut.prefixes.begin(), cut.prefixes.end(), is_early)) {
    cut.prefixes.push_back({kEarlyPackets, 0});
    sort_prefixes(cut.prefixes);
  }
  LoadCounts counts;
  BoardData data;
  data.examples = thinned(load_examples(sources, options.spec, cut, {}, counts), options);
  require_every_class(data.examples);
  const auto& prefixes = data.examples.prefixes;
  const auto early = std::find_if(prefixes.begin(), prefixes.end(), is_early);
  data.early = static_cast<uint16_t>(early - prefixes.begin());
  data.digest = digest_of(data.examples);
  return data;
}

std::string BoardUnit::id() const {
  return fmt::format("sources/{}/{}", axis, value);
}

std::vector<BoardUnit> board_units(const ExampleSet& examples) {
  std::map<std::pair<std::string, std::string>, std::vector<uint32_t>> found;
  for (uint32_t f = 0; f < examples.flows.size(); ++f) {
    for (auto& place : places_of(examples.flows[f])) found[std::move(place)].push_back(f);
  }
  std::vector<BoardUnit> units;
  for (auto& [place, flows] : found) units.push_back({place.first, place.second, std::move(flows)});
  std::stable_partition(units.begin(), units.end(),
                        [](const BoardUnit& unit) { return unit.axis == "source"; });
  return units;
}

}  // namespace flowmark
