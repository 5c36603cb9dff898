#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "feature/feature_spec.h"
#include "learn/learner.h"

namespace flowmark {

/// A kind of model that can be trained, as plain data.
struct LearnerKind {
  const char* name;   ///< on the command line, in plans and in cards: "naive-bayes"
  const char* title;  ///< in sentences: "naive Bayes"
  const char* help;   ///< in the help of --model-type
  /// The feature specification that it reads where nobody says another: its short form (--spec).
  const char* input = "combined-log1p";
  /// Reads pictures only.
  bool pictures = false;
  /// Learns sets of labels (ExampleSet::multilabel), each label an answer of its own.
  bool multilabel = false;
  /// Keeps an interrupted training in a file and goes on from it.
  bool resumes = false;
  /// What LearnerOptions::early_stop counts, and the default: "epochs, by default 10". Empty: it is
  /// not read.
  const char* early_stop_help = "";
  /// How the papers' experiments give it the counts of a histogram.
  ValueKind histogram_values = ValueKind::count;
  /// Follows the message that the written model differs from the trained one.
  const char* inexact_hint = "";
};

/// A word out of a few.
struct LearnerWord {
  std::string* word;
  std::vector<std::string> allowed;
};

/// A setting of a family of learners. The value belongs to the family and holds the default until
/// it is set.
struct LearnerOption {
  /// A flag, a number, a word, or a list of numbers (empty: the family chooses).
  using Value = std::variant<bool*, uint32_t*, double*, LearnerWord, std::vector<double>*>;
  std::string name;  ///< without dashes: "min-leaf"
  Value value;
  std::string train_help;       ///< of `flowmark train`; empty: not offered there
  std::string experiment_help;  ///< of `flowmark experiment`; empty: not offered there
  /// Its value in `flowmark experiment --quick`, as text; empty: it stays.
  std::string quick = "";
  /// Of a flag: what it sets other options of the family to, as text. On a command line those stay
  /// that it names itself.
  std::vector<std::pair<std::string, std::string>> implies = {};
};

/// The kinds of one folder of lib/learn, with the options they share. Used by one thread.
class LearnerFamily {
 public:
  virtual ~LearnerFamily() = default;
  virtual std::unique_ptr<LearnerFamily> clone() const = 0;

  /// In the order of the help.
  virtual std::span<const LearnerKind> kinds() const noexcept = 0;
  /// Valid as long as the family.
  virtual std::vector<LearnerOption> options() = 0;
  /// Throws Error when the options contradict each other; the message begins with an option.
  virtual void check(const LearnerOptions&) const {}
  /// Whether validation rows have a say in the training.
  virtual bool uses_validation() const { return true; }
  /// Whether the final model has learned the validation rows too, and must not be judged by them.
  virtual bool learns_validation() const { return false; }
  /// Which options differ from their defaults; empty if none does. Experiments keep a finished
  /// result as long as this text stays.
  virtual std::string changes() const { return ""; }

  /// A new training of one of kinds(). `input`: what the examples' features are. Throws Error when
  /// the kind cannot read them.
  virtual std::unique_ptr<Learner> make(const LearnerKind& kind, const LearnerOptions& options,
                                        const FeatureSpec& input) const = 0;
};

}  // namespace flowmark
