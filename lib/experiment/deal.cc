#include "experiment/deal.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/keyed_random.h"

namespace flowmark {
namespace {

using Task = ExperimentCell::Task;
using Member = CellWindows::Member;

/// A recording's class in a cell, "" if it has none there.
std::string class_of(const ExperimentCell& cell, const Recording& recording) {
  if (recording.category.find('+') != std::string::npos) {
    return "";
  }
  switch (cell.task) {
    case Task::technique:
      return recording.technique;
    case Task::encryption:
      return recording.encryption;
    case Task::application:
      return recording.application;
    case Task::class_vs_all:
      return recording.category == cell.target ? cell.target : "other";
    default:
      return recording.category;
  }
}

bool on(const std::string& technique, const Recording& recording) {
  return technique.empty() || technique == recording.technique;
}

/// Recordings with other traffic in them are for the cells about that alone.
bool has_background_of(const ExperimentCell& cell, const Recording& recording) {
  return recording.background_pps == (cell.recorded_background ? cell.background_pps : 0);
}

/// Puts items in a random order, the same for the same key.
template <typename T>
void shuffle(std::vector<T>& items, const KeyedRandom& random) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.bits(i) % i]);
  }
}

/// At most `most` members of each of the strata, drawn at random; the order stays.
void cap(std::vector<Member>& members, const std::vector<uint32_t>& strata,
         const std::map<uint32_t, size_t>& most, const KeyedRandom& random) {
  std::map<uint32_t, std::vector<size_t>> places;
  for (size_t i = 0; i < members.size(); ++i) {
    places[strata[i]].push_back(i);
  }
  std::vector<bool> kept(members.size(), false);
  for (auto& [stratum, of] : places) {
    shuffle(of, random.sub(stratum));
    for (size_t i = 0; i < std::min(of.size(), most.at(stratum)); ++i) {
      kept[of[i]] = true;
    }
  }
  std::vector<Member> left;
  for (size_t i = 0; i < members.size(); ++i) {
    if (kept[i]) left.push_back(members[i]);
  }
  members = std::move(left);
}

/// Caps each class; of class_vs_all the others' categories to equal shares.
void balance(std::vector<Member>& members, const ExperimentCell& cell,
             const std::vector<Recording>& recordings, const std::vector<RecordedWindow>& windows,
             size_t max_windows, const KeyedRandom& random) {
  std::map<std::string, uint32_t> numbers;
  std::vector<uint32_t> strata;
  std::map<uint32_t, size_t> counts;
  for (const Member& member : members) {
    const Recording& recording = recordings[windows[member.window].recording];
    const std::string name =
        cell.task == Task::class_vs_all ? recording.category : class_of(cell, recording);
    const auto number = static_cast<uint32_t>(numbers.size());
    strata.push_back(numbers.emplace(name, number).first->second);
    ++counts[strata.back()];
  }
  std::map<uint32_t, size_t> most;
  size_t least = max_windows;
  for (const auto& [name, number] : numbers) {
    most[number] = max_windows;
    if (name != cell.target) least = std::min(least, counts[number]);
  }
  if (cell.task == Task::class_vs_all) {
    for (const auto& [name, number] : numbers) {
      if (name != cell.target) most[number] = least;
    }
  }
  cap(members, strata, most, random);
}

/// Nothing could be cut: what a window must have.
std::string no_window(const ExperimentCell& cell, const WindowRules& rules) {
  if (!cell.spec.is_by_time()) {
    return fmt::format("no flow has {} packets{}", cell.spec.window_packets(),
                       rules.short_flows ? "" : " (--short-flows takes what there is)");
  }
  const double seconds =
      static_cast<double>(cell.spec.window_us()) / static_cast<double>(kUsPerSecond);
  return fmt::format(
      "no block of {:g} s has {} packets over {:g} s in one direction (--min-packets, --min-span)",
      seconds, rules.min_packets, std::round(10 * rules.min_span * seconds) / 10);
}

/// A recording has to do with a cell.
bool takes_part(const ExperimentCell& cell, const Recording& recording) {
  return (on(cell.train_on, recording) || on(cell.test_on, recording)) &&
         has_background_of(cell, recording) && !class_of(cell, recording).empty();
}

/// Where a part's members go: training, validation or test; null: nowhere.
std::vector<Member>* place_of(const ExperimentCell& cell, const Recording& recording,
                              DealtPart part, CellWindows& dealt) {
  if (cell.task == Task::new_application) {
    return recording.application == cell.target ? &dealt.test
           : part == DealtPart::validation      ? &dealt.validation
                                                : &dealt.train;
  }
  if (part == DealtPart::test) {
    return on(cell.test_on, recording) ? &dealt.test : nullptr;
  }
  if (!on(cell.train_on, recording)) {
    return nullptr;
  }
  return part == DealtPart::validation ? &dealt.validation : &dealt.train;
}

std::string what_lacks(const CellWindows& dealt, const ExperimentCell& cell,
                       const ExperimentOptions& options) {
  for (const auto& [part, name] :
       {std::pair{&dealt.train, "to train on"}, std::pair{&dealt.test, "to test on"}}) {
    std::vector<size_t> count(dealt.classes.size(), 0);
    for (const Member& member : *part) {
      ++count[member.class_index];
    }
    for (size_t c = 0; c < count.size(); ++c) {
      const bool one_class_test = part == &dealt.test && cell.task == Task::new_application;
      if (count[c] == 0 && !one_class_test) {
        return fmt::format("no window of {} is left {} (split by {})", dealt.classes[c], name,
                           options.split);
      }
    }
    if (part->empty()) {
      return fmt::format("no window is left {}", name);
    }
  }
  return "";
}

}  // namespace

std::vector<uint32_t> group_recordings(const std::vector<Recording>& recordings,
                                       const std::string& split) {
  if (split != "window" && split != "flow" && split != "capture" && split != "group") {
    fail("split '{}': must be window, flow, capture or group", split);
  }
  std::map<std::string, uint32_t> numbers;
  std::vector<uint32_t> groups;
  for (uint32_t i = 0; i < recordings.size(); ++i) {
    const Recording& recording = recordings[i];
    if (split == "group" && recording.group.empty()) {
      fail("split by group: flow {} of {} has neither group nor session", recording.flow.name,
           recording.capture);
    }
    const std::string key = split == "group"     ? recording.split + "/" + recording.group
                            : split == "capture" ? recording.split + "/" + recording.capture
                                                 : std::to_string(i);
    groups.push_back(numbers.emplace(key, static_cast<uint32_t>(numbers.size())).first->second);
  }
  return groups;
}

std::vector<DealtPart> deal_groups(const std::vector<uint32_t>& strata,
                                   const std::vector<std::string>& laid_down,
                                   const ExperimentOptions& options, uint64_t seed) {
  std::vector<DealtPart> parts(strata.size(), DealtPart::train);
  const bool has_validation =
      std::find(laid_down.begin(), laid_down.end(), "validation") != laid_down.end();
  const std::set<uint32_t> all(strata.begin(), strata.end());
  for (const uint32_t stratum : all) {
    std::vector<uint32_t> free;
    std::vector<uint32_t> train;
    for (uint32_t g = 0; g < strata.size(); ++g) {
      if (strata[g] != stratum) continue;
      if (laid_down[g] == "test") {
        parts[g] = DealtPart::test;
      } else if (laid_down[g] == "validation") {
        parts[g] = DealtPart::validation;
      } else if (laid_down[g] == "train") {
        train.push_back(g);
      } else {
        free.push_back(g);
      }
    }
    const KeyedRandom random = KeyedRandom(seed).sub(stratum);
    shuffle(free, random.sub(0));
    size_t test =
        static_cast<size_t>(std::llround(options.test * static_cast<double>(free.size())));
    if (options.train_per_class > 0) {
      test = free.size() > options.train_per_class ? free.size() - options.train_per_class : 0;
    } else if (free.size() > 1) {
      test = std::clamp<size_t>(test, 1, free.size() - 1);
    }
    for (size_t i = 0; i < free.size(); ++i) {
      if (i < test) {
        parts[free[i]] = DealtPart::test;
      } else {
        train.push_back(free[i]);
      }
    }
    shuffle(train, random.sub(1));
    const auto wanted =
        static_cast<size_t>(std::llround(options.validation * static_cast<double>(train.size())));
    const size_t validation = has_validation || train.size() < 4 ? 0 : std::max<size_t>(1, wanted);
    for (size_t i = 0; i < validation && options.validation > 0; ++i) {
      parts[train[i]] = DealtPart::validation;
    }
  }
  return parts;
}

CellWindows deal_cell(const ExperimentCell& cell, const std::vector<Recording>& recordings,
                      const std::vector<RecordedWindow>& windows, const ExperimentOptions& options,
                      uint64_t seed) {
  CellWindows dealt;
  std::set<std::string> names;
  std::vector<Member> members;
  const bool single = options.split == "window";
  const std::vector<uint32_t> groups = group_recordings(recordings, options.split);
  for (uint32_t w = 0; w < windows.size(); ++w) {
    const Recording& recording = recordings[windows[w].recording];
    if (!windows[w].between && takes_part(cell, recording)) {
      members.push_back({w, 0, single ? w : groups[windows[w].recording]});
      names.insert(class_of(cell, recording));
    }
  }
  dealt.classes.assign(names.begin(), names.end());
  if (cell.task == Task::class_vs_all && names.count(cell.target) == 0) {
    dealt.lacks =
        fmt::format("no window of {} on {} or {}", cell.target, cell.train_on, cell.test_on);
    return dealt;
  }
  if (dealt.classes.size() < 2) {
    dealt.lacks = dealt.classes.empty()
                      ? no_window(cell, options.rules)
                      : fmt::format("'{}' is the only class with windows", dealt.classes.front());
    return dealt;
  }
  const auto class_index_of = [&](const Recording& recording) {
    const auto place =
        std::lower_bound(dealt.classes.begin(), dealt.classes.end(), class_of(cell, recording));
    return static_cast<uint32_t>(place - dealt.classes.begin());
  };
  // Groups are dealt out within technique and class, so that each has its share on both sides.
  std::map<uint32_t, uint32_t> dense;
  std::map<std::string, uint32_t> stratum_numbers;
  std::vector<uint32_t> strata;
  std::vector<std::string> laid_down;
  for (Member& member : members) {
    const Recording& recording = recordings[windows[member.window].recording];
    member.class_index = class_index_of(recording);
    const auto [place, fresh] = dense.emplace(member.group, static_cast<uint32_t>(dense.size()));
    member.group = place->second;
    if (fresh) {
      const std::string key =
          recording.technique + "/" + recording.category + "/" + class_of(cell, recording);
      const auto number = static_cast<uint32_t>(stratum_numbers.size());
      strata.push_back(stratum_numbers.emplace(key, number).first->second);
      laid_down.push_back(single ? "" : recording.split);
    }
  }
  const std::vector<DealtPart> parts = deal_groups(strata, laid_down, options, seed);
  for (const Member& member : members) {
    const Recording& recording = recordings[windows[member.window].recording];
    if (auto* place = place_of(cell, recording, parts[member.group], dealt)) {
      place->push_back(member);
    }
  }
  // Pictures in between join the training where their recording's blocks do.
  for (uint32_t w = 0; w < windows.size() && !single; ++w) {
    const Recording& recording = recordings[windows[w].recording];
    const auto group = dense.find(groups[windows[w].recording]);
    if (windows[w].between && group != dense.end() && takes_part(cell, recording) &&
        names.contains(class_of(cell, recording)) &&
        place_of(cell, recording, parts[group->second], dealt) == &dealt.train) {
      dealt.train.push_back({w, class_index_of(recording), group->second});
    }
  }
  const KeyedRandom random(seed);
  balance(dealt.train, cell, recordings, windows, options.max_windows, random.sub(1));
  balance(dealt.validation, cell, recordings, windows, options.max_windows, random.sub(2));
  balance(dealt.test, cell, recordings, windows, options.max_windows, random.sub(3));
  dealt.lacks = what_lacks(dealt, cell, options);
  return dealt;
}

}  // namespace flowmark
