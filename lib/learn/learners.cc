// The list of learners: the one place that knows which kinds there are.

#include "learn/learners.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "learn/cnn/family.h"
#include "learn/forest/family.h"
#include "learn/linear/family.h"
#include "learn/option_text.h"

namespace flowmark {

Learners::Learners() {
  families_.push_back(make_linear_family());
  families_.push_back(make_forest_family());
  families_.push_back(make_cnn_family());
}

Learners::Learners(const Learners& other) {
  for (const auto& family : other.families_) families_.push_back(family->clone());
}

Learners& Learners::operator=(const Learners& other) {
  Learners copy(other);
  families_.swap(copy.families_);
  return *this;
}

std::vector<LearnerKind> Learners::kinds() const {
  std::vector<LearnerKind> all;
  for (const auto& family : families_) {
    all.insert(all.end(), family->kinds().begin(), family->kinds().end());
  }
  return all;
}

std::vector<std::string> Learners::names() const {
  std::vector<std::string> names;
  for (const LearnerKind& kind : kinds()) names.emplace_back(kind.name);
  return names;
}

const LearnerKind& Learners::kind(const std::string& name, const std::string& where) const {
  for (const auto& family : families_) {
    for (const LearnerKind& kind : family->kinds()) {
      if (kind.name == name) return kind;
    }
  }
  std::vector<std::string> names = this->names();
  const std::string last = names.back();
  names.pop_back();
  fail("{}: {}: must be {} or {}", where, name, fmt::join(names, ", "), last);
}

const LearnerFamily& Learners::family(const std::string& name) const {
  const LearnerKind& wanted = kind(name, "learner");
  return **std::find_if(families_.begin(), families_.end(), [&](const auto& family) {
    const auto kinds = family->kinds();
    return &wanted >= kinds.data() && &wanted < kinds.data() + kinds.size();
  });
}

std::vector<LearnerOption> Learners::options() const {
  std::vector<LearnerOption> all;
  for (const auto& family : families_) {
    for (LearnerOption& option : family->options()) all.push_back(std::move(option));
  }
  return all;
}

std::pair<LearnerFamily*, LearnerOption> Learners::find(const std::string& name) const {
  for (const auto& family : families_) {
    for (LearnerOption& option : family->options()) {
      if (option.name == name) return {family.get(), std::move(option)};
    }
  }
  fail("{}: no learner has such an option", name);
}

void Learners::set(const std::string& name, const std::string& value) {
  const auto [family, option] = find(name);
  set_from_text(option, value);
  if (value == "yes") set_implied(*family, option, [](const std::string&) { return false; });
}

std::string Learners::get(const std::string& name) const {
  return text_of(find(name).second);
}

std::unique_ptr<Learner> Learners::make(const std::string& name, const LearnerOptions& options,
                                        const FeatureSpec& input) const {
  return family(name).make(kind(name, "learner"), options, input);
}

}  // namespace flowmark
