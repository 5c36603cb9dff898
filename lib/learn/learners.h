#pragma once

#include <memory>
#include <string>
#include <vector>

#include "learn/learner_kind.h"

namespace flowmark {

/// All kinds of learners there are, each with its options. A copy has options of its own. Used by
/// one thread.
class Learners {
 public:
  /// All options at their defaults.
  Learners();
  Learners(const Learners& other);
  Learners& operator=(const Learners& other);
  Learners(Learners&&) noexcept = default;
  Learners& operator=(Learners&&) noexcept = default;
  ~Learners() = default;

  /// In the order of the help; the first is the default.
  std::vector<LearnerKind> kinds() const;
  std::vector<std::string> names() const;
  /// Throws Error listing the names, beginning with `where`.
  const LearnerKind& kind(const std::string& name, const std::string& where) const;
  /// The family of a kind. Throws Error as kind().
  const LearnerFamily& family(const std::string& name) const;
  const std::vector<std::unique_ptr<LearnerFamily>>& families() const noexcept { return families_; }

  /// Of all families.
  std::vector<LearnerOption> options() const;
  /// Sets an option by its name, of whichever family has it: "min-leaf" to "3", a flag to "yes" or
  /// "no". A flag that is set sets what it implies too. Throws Error: no such option, not such a
  /// value.
  void set(const std::string& option, const std::string& value);
  /// The value as set() takes it. Throws Error: no such option.
  std::string get(const std::string& option) const;

  /// A new training. Throws Error: no such kind, or one that cannot read `input`.
  std::unique_ptr<Learner> make(const std::string& name, const LearnerOptions& options,
                                const FeatureSpec& input) const;

 private:
  /// An option and the family that has it.
  std::pair<LearnerFamily*, LearnerOption> find(const std::string& name) const;

  std::vector<std::unique_ptr<LearnerFamily>> families_;
};

}  // namespace flowmark
