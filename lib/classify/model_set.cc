#include "classify/model_set.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {
namespace {

std::vector<FeatureSpec> input_specs(const std::vector<ActiveModel>& models) {
  std::vector<FeatureSpec> specs;
  specs.reserve(models.size());
  for (const ActiveModel& active : models) specs.push_back(active.model->input);
  return specs;
}

void check(const std::vector<ActiveModel>& models) {
  if (models.size() > kMaxModels) {
    fail("{} models are configured; at most {} can run at once", models.size(), kMaxModels);
  }
  for (size_t m = 0; m < models.size(); ++m) {
    const ActiveModel& active = models[m];
    const size_t classes = active.model->classes.size();
    if (classes > kMaxClasses) {
      fail("model {}: it has {} classes; at most {} are possible", active.name, classes,
           kMaxClasses);
    }
    if (active.class_dscp.size() != classes) {
      fail("model {}: {} marks for {} classes", active.name, active.class_dscp.size(), classes);
    }
    if (active.condition && active.condition->model >= m) {
      fail("model {}: `when` must name a model listed before it", active.name);
    }
  }
}

std::vector<ActiveModel> complete(std::vector<ActiveModel> models) {
  check(models);
  for (ActiveModel& active : models) {
    if (active.model->multilabel && active.label_thresholds.empty()) {
      active.label_thresholds = active.model->label_thresholds;
    }
    if (active.model->multilabel) {
      active.label_thresholds.resize(active.model->classes.size(), 0.5F);
    }
  }
  return models;
}

PolicyEffect effect_of_policy(const FlowPolicy& policy, MarkNumbers& numbers) {
  PolicyEffect effect;
  effect.asks_models = policy.asks_models();
  effect.confidence = policy.confidence;
  effect.caps = policy.caps;
  if (policy.map) effect.map = static_cast<uint8_t>(1 + static_cast<int>(*policy.map));
  effect.fixes_mark = !policy.mark || !policy.class_name.empty();
  if (!policy.mark) {
    effect.mark = MarkNumbers::kKeep;
  } else if (!policy.class_name.empty()) {
    effect.mark = numbers.number_of(policy.class_marks);
  }
  return effect;
}

}  // namespace

ModelSet::ModelSet(uint64_t generation, std::vector<ActiveModel> models, Marking marking,
                   const MarkNumbers& numbers, std::shared_ptr<const PolicyTable> policies)
    : generation_(generation),
      models_(complete(std::move(models))),
      marking_(std::move(marking)),
      numbers_(numbers),
      policies_(policies != nullptr && policies->policies().empty() ? nullptr
                                                                    : std::move(policies)),
      plan_(std::make_shared<const WindowPlan>(input_specs(models_))) {
  for (const ActiveModel& active : models_) {
    spec_of_.push_back(plan_->index_of(active.model->input));
    const auto same = std::ranges::find_if(models_, [&active](const ActiveModel& other) {
      return other.model->task == active.model->task;
    });
    task_of_.push_back(static_cast<size_t>(same - models_.begin()));
    std::vector<ClassTag>& tags = class_tags_.emplace_back();
    for (const std::string& name : active.model->classes) {
      tags.push_back(class_tag(active.name, name));
    }
  }
  number_classes();
  if (policies_ == nullptr) return;
  for (const FlowPolicy& policy : policies_->policies()) {
    PolicyEffect& effect = effects_.emplace_back(effect_of_policy(policy, numbers_));
    if (effect.caps.total) effect.caps.group = static_cast<uint16_t>(effects_.size());
    has_caps_ |= effect.caps.has_any();
  }
}

void ModelSet::number_classes() {
  ClassNumbers& configured = class_marks_.emplace_back();
  for (const ActiveModel& active : models_) {
    std::vector<uint8_t>& marks = configured.emplace_back();
    for (const MarkPair& pair : active.class_dscp) marks.push_back(numbers_.number_of(pair));
  }
  if (policies_ == nullptr) return;
  for (int profile = 0; profile < kMarkProfileCount; ++profile) {
    class_marks_.push_back(numbers_under(static_cast<MarkProfile>(profile)));
  }
}

// Classes that the profile does not have keep the configured marks.
ModelSet::ClassNumbers ModelSet::numbers_under(MarkProfile profile) const {
  ClassNumbers numbers = class_marks_.front();
  for (size_t m = 0; m < models_.size(); ++m) {
    const std::vector<std::string>& classes = models_[m].model->classes;
    for (size_t c = 0; c < classes.size(); ++c) {
      if (const auto mark = flowmark::mark_of(profile, classes[c])) numbers[m][c] = *mark;
    }
  }
  return numbers;
}

bool ModelSet::asks_as(const ModelSet& other) const noexcept {
  return std::ranges::equal(models_, other.models_, [](const ActiveModel& a, const ActiveModel& b) {
    return a.model == b.model && a.condition == b.condition;
  });
}

}  // namespace flowmark
