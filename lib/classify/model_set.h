#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "classify/class_tag.h"
#include "classify/verdict_condition.h"
#include "mark/mark_numbers.h"
#include "mark/marking.h"
#include "model/model.h"
#include "policy/policy_table.h"
#include "telemetry/worker_counters.h"
#include "window/ask_schedule.h"
#include "window/flow_windows.h"

namespace flowmark {

/// When a model is asked and how its answers become a verdict. From the configuration.
struct VerdictPolicy : AskPolicy {
  uint32_t votes = 4;             ///< how many newest windows are averaged
  float confidence = 0.4F;        ///< below it the model abstains
  bool confidence_given = false;  ///< else a model's own threshold replaces `confidence`
  float hysteresis = 0.1F;        ///< lead a new class needs over the standing one
  bool open_set = true;  ///< windows that resemble no class vote for none, if the model can tell
};

/// One running model with its policy.
struct ActiveModel {
  std::string name;  ///< from the configuration; labels metrics
  std::shared_ptr<const Model> model;
  VerdictPolicy policy;
  std::optional<VerdictCondition> condition;
  bool marks = true;  ///< its verdicts set the mark; of several that do, the highest slot with a
                      ///< verdict wins
  std::vector<MarkPair> class_dscp;  ///< per class
  /// Of a multi-label model, per class: above it the class is there. Empty: the model's own.
  std::vector<float> label_thresholds;
};

/// What a policy means for the flows that it fits.
struct PolicyEffect {
  bool asks_models = true;
  bool fixes_mark = false;            ///< to `mark`, whatever the verdicts
  uint8_t mark = MarkNumbers::kNone;  ///< number of a pair of marks
  uint8_t map = 0;                    ///< for ModelSet::mark_of(); 0: the configured maps
  std::optional<float> confidence;    ///< in place of every model's own
  LiveCaps caps;                      ///< of its flows with an expedited mark
};

/// What all workers run, models, policies and marks: immutable, replaced as a whole (RCU).
class ModelSet {
 public:
  /// `numbers`: those of the set before, whose flows keep them. `policies`: nullptr is none. Throws
  /// Error when there are more than kMaxModels models or kMaxClasses classes, or too many pairs of
  /// marks.
  ModelSet(uint64_t generation, std::vector<ActiveModel> models, Marking marking = {},
           const MarkNumbers& numbers = {}, std::shared_ptr<const PolicyTable> policies = nullptr);

  uint64_t generation() const noexcept { return generation_; }
  const std::vector<ActiveModel>& models() const noexcept { return models_; }
  const Marking& marking() const noexcept { return marking_; }
  const MarkNumbers& numbers() const noexcept { return numbers_; }
  /// nullptr: there are none. Flows may still carry what an earlier set's policies said.
  const std::shared_ptr<const PolicyTable>& policies() const noexcept { return policies_; }
  /// `place`: of a policy, or kNoPolicy.
  const PolicyEffect& effect_of(PolicyPlace place) const noexcept {
    return place == kNoPolicy ? no_effect_ : effects_[place];
  }
  /// Whether any policy has caps.
  bool has_caps() const noexcept { return has_caps_; }
  /// The number of a class's marks in a map (PolicyEffect::map).
  uint8_t mark_of(size_t map, size_t model, size_t class_index) const noexcept {
    return class_marks_[map][model][class_index];
  }
  /// The tag of a class's name.
  ClassTag tag_of(size_t model, size_t class_index) const noexcept {
    return class_tags_[model][class_index];
  }
  /// Whether both ask the same models under the same conditions: a verdict that one gave is right
  /// under the other.
  bool asks_as(const ModelSet& other) const noexcept;
  /// Shared, because flows keep windows of a plan until they are moved to the next set's.
  const std::shared_ptr<const WindowPlan>& plan() const noexcept { return plan_; }
  size_t spec_of(size_t model) const noexcept { return spec_of_[model]; }
  /// Whether two models answer the same question (flowmark.task).
  bool same_task(size_t a, size_t b) const noexcept { return task_of_[a] == task_of_[b]; }

 private:
  using ClassNumbers = std::vector<std::vector<uint8_t>>;  ///< by model and class

  void number_classes();
  ClassNumbers numbers_under(MarkProfile profile) const;

  uint64_t generation_;
  std::vector<ActiveModel> models_;
  Marking marking_;
  MarkNumbers numbers_;
  std::shared_ptr<const PolicyTable> policies_;
  std::vector<ClassNumbers> class_marks_;  ///< by map: the configured one, then MarkProfile's
  std::vector<std::vector<ClassTag>> class_tags_;  ///< by model and class
  PolicyEffect no_effect_;
  std::vector<PolicyEffect> effects_;  ///< by place of the policy
  bool has_caps_ = false;
  std::shared_ptr<const WindowPlan> plan_;
  std::vector<size_t> spec_of_;
  std::vector<size_t> task_of_;  ///< first model with the same task
};

}  // namespace flowmark
