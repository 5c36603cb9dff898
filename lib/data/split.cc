#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "base/error.h"
#include "data/shuffle.h"
#include "data/stratify.h"

namespace flowmark {
namespace {

/// A group of examples that must not be torn apart.
struct Group {
  uint32_t class_index = 0;
  uint64_t label_set = 0;  ///< of a multi-label set: all labels of its examples
  std::string laid_down;   ///< the manifest's `split`
  Part part = Part::train;
};

std::string group_key(const ExampleSet& examples, const std::vector<DataSource>& sources,
                      size_t row, const std::string& by) {
  const uint32_t flow = examples.info(row).flow;
  const DataSource& source = sources[examples.flows[flow].source];
  if (by == "window") {
    return std::to_string(row);
  }
  if (by == "flow") {
    // Blocks in a dataset file: the conversation they were cut from.
    const std::string& whole = examples.flows[flow].attribute("flow");
    return whole.empty() ? std::to_string(flow)
                         : examples.flows[flow].attribute("capture") + '\n' + whole;
  }
  if (by == "file") {
    return source.path.string();
  }
  if (by == "session" && !examples.flows[flow].session.empty()) {
    return examples.flows[flow].session;
  }
  const std::string& value = examples.flows[flow].attribute(by);
  if (!value.empty()) {
    return value;
  }
  const auto found = source.attributes.find(by);
  if (found == source.attributes.end()) {
    fail("{}: flow {}: no key '{}', by which the data is to be split", source.where,
         examples.flows[flow].name, by);
  }
  return found->second;
}

/// The `split` of a flow: its entry's, else its own.
std::string laid_down_split(const ExampleSet& examples, const std::vector<DataSource>& sources,
                            uint32_t flow) {
  const DataSource& source = sources[examples.flows[flow].source];
  const std::string& split =
      source.split.empty() ? examples.flows[flow].attribute("split") : source.split;
  if (!split.empty() && split != "train" && split != "validation" && split != "test") {
    fail("{}: flow {}: split {}: must be train, validation or test", source.where,
         examples.flows[flow].name, split);
  }
  return split;
}

uint32_t share_of(size_t count, double share) {
  return static_cast<uint32_t>(std::llround(static_cast<double>(count) * share));
}

/// Deals out the groups of one class that no entry has laid down to the test.
void deal(std::vector<uint32_t> members, std::vector<Group>& groups, const SplitOptions& options,
          bool validation_laid_down, const std::string& class_name, std::mt19937_64& random) {
  shuffle(members, random);
  std::vector<uint32_t> train;
  std::vector<uint32_t> free;
  for (const uint32_t member : members) {
    if (groups[member].laid_down.empty()) {
      free.push_back(member);
    } else if (groups[member].laid_down == "train") {
      train.push_back(member);
    }
  }
  uint32_t test = share_of(free.size(), options.test);
  if (options.train_per_class > 0) {
    if (free.size() <= options.train_per_class) {
      fail("class '{}' has {} groups ({}): too few for {} to train on and some to test", class_name,
           free.size(), options.by, options.train_per_class);
    }
    test = static_cast<uint32_t>(free.size()) - options.train_per_class;
  } else if (options.test > 0 && test == 0) {
    test = 1;
  }
  for (uint32_t i = 0; i < free.size(); ++i) {
    groups[free[i]].part = i < test ? Part::test : Part::train;
    if (i >= test) {
      train.push_back(free[i]);
    }
  }
  if (options.validation <= 0 || validation_laid_down) {
    return;
  }
  const uint32_t validation = std::max(1U, share_of(train.size(), options.validation));
  if (train.size() <= validation) {
    fail(
        "class '{}' has {} group(s) to train on when split by {}: too few to set {} aside for "
        "validation (--validation 0 does without, --split-by chooses other groups)",
        class_name, train.size(), options.by, validation);
  }
  for (uint32_t i = 0; i < validation; ++i) {
    groups[train[i]].part = Part::validation;
  }
}

/// A share of some groups with sets of labels goes to `part`.
void deal_share(const std::vector<uint32_t>& members, std::vector<Group>& groups, double share,
                Part part, std::mt19937_64& random) {
  std::vector<uint64_t> sets;
  for (const uint32_t member : members) {
    sets.push_back(groups[member].label_set);
  }
  const std::vector<bool> chosen = stratified_share(sets, share, random);
  for (size_t i = 0; i < members.size(); ++i) {
    if (chosen[i]) groups[members[i]].part = part;
  }
}

/// Deals out groups with sets of labels, so that each label has its share everywhere: single sets
/// may have one group only.
void deal_sets(std::vector<Group>& groups, const SplitOptions& options, bool validation_laid_down,
               std::mt19937_64& random) {
  if (options.train_per_class > 0) {
    fail("so many groups of each class for training: not of several labels at once");
  }
  std::vector<uint32_t> free;
  std::vector<uint32_t> train;
  for (uint32_t g = 0; g < groups.size(); ++g) {
    if (groups[g].laid_down.empty()) free.push_back(g);
  }
  if (options.test > 0) {
    deal_share(free, groups, options.test, Part::test, random);
  }
  for (uint32_t g = 0; g < groups.size(); ++g) {
    if (groups[g].part == Part::train) train.push_back(g);
  }
  if (options.validation > 0 && !validation_laid_down) {
    deal_share(train, groups, options.validation, Part::validation, random);
  }
}

}  // namespace

std::string default_split(const ExampleSet& examples) {
  const bool sessions = std::all_of(examples.flows.begin(), examples.flows.end(),
                                    [](const ExampleFlow& flow) { return !flow.session.empty(); });
  return sessions && !examples.flows.empty() ? "session" : "flow";
}

Split split_examples(const ExampleSet& examples, const std::vector<DataSource>& sources,
                     const SplitOptions& options) {
  std::map<std::string, uint32_t> numbers;
  std::vector<Group> groups;
  std::vector<uint32_t> group_of(examples.size());
  for (size_t row = 0; row < examples.size(); ++row) {
    const auto [place, fresh] = numbers.emplace(group_key(examples, sources, row, options.by),
                                                static_cast<uint32_t>(groups.size()));
    if (fresh) {
      const ExampleInfo& info = examples.info(row);
      Group group{info.class_index, 0, laid_down_split(examples, sources, info.flow), Part::train};
      if (group.laid_down == "test") {
        group.part = Part::test;
      } else if (group.laid_down == "validation") {
        group.part = Part::validation;
      }
      groups.push_back(group);
    }
    group_of[row] = place->second;
    groups[place->second].label_set |= examples.info(row).label_set;
  }
  const bool validation_laid_down =
      std::any_of(groups.begin(), groups.end(),
                  [](const Group& group) { return group.laid_down == "validation"; });
  std::mt19937_64 random(options.seed);
  if (examples.multilabel) {
    deal_sets(groups, options, validation_laid_down, random);
  }
  for (uint32_t c = 0; c < examples.classes.size() && !examples.multilabel; ++c) {
    std::vector<uint32_t> members;
    for (uint32_t g = 0; g < groups.size(); ++g) {
      if (groups[g].class_index == c) {
        members.push_back(g);
      }
    }
    deal(members, groups, options, validation_laid_down, examples.classes[c], random);
  }
  Split split;
  split.parts.resize(examples.size());
  for (size_t row = 0; row < examples.size(); ++row) {
    split.parts[row] = groups[group_of[row]].part;
  }
  for (const Group& group : groups) {
    ++split.groups[static_cast<size_t>(group.part)];
  }
  return split;
}

std::vector<uint32_t> rows_of(const ExampleSet& examples, const Split& split, Part part,
                              bool with_repeats) {
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < split.parts.size(); ++row) {
    if (split.parts[row] == part && (with_repeats || !examples.info(row).repeat)) {
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace flowmark
