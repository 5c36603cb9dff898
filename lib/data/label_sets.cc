#include "data/label_sets.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kMaxLabels = 64;  // bits of a set

std::vector<std::string> parts_of(const std::string& label, const std::string& where) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= label.size();) {
    const size_t to = std::min(label.find('+', from), label.size());
    parts.push_back(label.substr(from, to - from));
    if (parts.back().empty()) {
      fail("{}: label '{}': a part of it is empty; voip+chat is right", where, label);
    }
    from = to + 1;
  }
  return parts;
}

}  // namespace

uint64_t label_set(const std::string& label, const std::vector<std::string>& classes,
                   const std::string& where) {
  uint64_t set = 0;
  for (const std::string& part : parts_of(label, where)) {
    const auto place = std::find(classes.begin(), classes.end(), part);
    if (place == classes.end()) {
      fail("{}: label '{}': '{}' is none of {}", where, label, part, fmt::join(classes, ", "));
    }
    set |= uint64_t{1} << (place - classes.begin());
  }
  return set;
}

std::string label_set_name(uint64_t set, const std::vector<std::string>& classes) {
  std::string name;
  for (size_t c = 0; c < classes.size(); ++c) {
    if ((set >> c & 1) != 0) {
      name += (name.empty() ? "" : "+") + classes[c];
    }
  }
  return name.empty() ? "none" : name;
}

void to_label_sets(ExampleSet& examples, const std::vector<std::string>& labels) {
  if (examples.multilabel) {
    fail("the examples have sets of labels already");
  }
  const auto where = [&](size_t c) {
    const auto of_class = [&](const ExampleFlow& flow) { return flow.class_index == c; };
    const auto flow = std::find_if(examples.flows.begin(), examples.flows.end(), of_class);
    return flow == examples.flows.end() ? std::string("data") : "flow " + flow->name;
  };
  std::vector<std::string> all = labels;
  if (all.empty()) {
    for (size_t c = 0; c < examples.classes.size(); ++c) {
      for (std::string& part : parts_of(examples.classes[c], where(c))) {
        all.push_back(std::move(part));
      }
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  if (all.size() > kMaxLabels) {
    fail("{} labels: at most {} can be told apart at once", all.size(), kMaxLabels);
  }
  std::vector<uint64_t> sets;
  for (size_t c = 0; c < examples.classes.size(); ++c) {
    sets.push_back(label_set(examples.classes[c], all, where(c)));
  }
  for (ExampleFlow& flow : examples.flows) {
    flow.label_set = sets.at(flow.class_index);
  }
  examples.make_multilabel(all, sets);
}

void require_every_label(const ExampleSet& examples) {
  if (examples.classes.size() < 2) {
    fail("the data has {}: several at once need two labels or more",
         examples.classes.empty() ? "no labelled flow"
                                  : "the label '" + examples.classes.front() + "' alone");
  }
  std::vector<uint64_t> windows(examples.classes.size(), 0);
  for (size_t row = 0; row < examples.size(); ++row) {
    for (size_t c = 0; c < windows.size(); ++c) {
      windows[c] += examples.info(row).label_set >> c & 1;
    }
  }
  for (size_t c = 0; c < windows.size(); ++c) {
    if (windows[c] == 0 || windows[c] == examples.size()) {
      fail("label '{}' is {}: windows with and without it are needed", examples.classes[c],
           windows[c] == 0 ? "on no window that has enough packets" : "on every window");
    }
  }
}

Strata strata_of(const ExampleSet& examples) {
  Strata strata;
  if (!examples.multilabel) {
    strata.names = examples.classes;
    for (size_t row = 0; row < examples.size(); ++row) {
      strata.of_row.push_back(examples.info(row).class_index);
    }
    return strata;
  }
  std::map<uint64_t, uint32_t> numbers;
  for (size_t row = 0; row < examples.size(); ++row) {
    numbers.emplace(examples.info(row).label_set, 0);
  }
  for (auto& [set, number] : numbers) {
    number = static_cast<uint32_t>(strata.names.size());
    strata.names.push_back(label_set_name(set, examples.classes));
  }
  for (size_t row = 0; row < examples.size(); ++row) {
    strata.of_row.push_back(numbers.at(examples.info(row).label_set));
  }
  return strata;
}

}  // namespace flowmark
