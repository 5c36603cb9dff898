#include "daemon/flowmarkd/reloader.h"

#include <fmt/format.h>

#include <bit>

#include "classify/verdict.h"
#include "runtime/model_store.h"

namespace flowmark {
namespace {

constexpr size_t kNamesKept = 16;

ModelNames names_of(const ModelSet& set) {
  ModelNames names;
  for (const ActiveModel& model : set.models()) {
    names.models.push_back({model.name, model.model->classes});
  }
  return names;
}

std::string describe(const ModelSet& set) {
  std::string text;
  for (const ActiveModel& model : set.models()) {
    text += fmt::format("{}{} ({}, sha256 {:.12})", text.empty() ? "" : ", ", model.name,
                        model.model->path, model.model->sha256);
  }
  return text.empty() ? "no models" : text;
}

}  // namespace

const char* to_string(ReloadOutcome outcome) noexcept {
  switch (outcome) {
    case ReloadOutcome::loaded:
      return "loaded";
    case ReloadOutcome::unchanged:
      return "unchanged";
    case ReloadOutcome::refused:
      return "refused";
    case ReloadOutcome::rolled_back:
      return "rolled_back";
    case ReloadOutcome::count_:
      break;
  }
  return "?";
}

std::string ModelNames::class_name(size_t model, size_t class_index) const {
  if (class_index == kNoClass) return "-";
  if (model >= models.size() || class_index >= models[model].classes.size()) return "?";
  return models[model].classes[class_index];
}

std::string ModelNames::verdict_name(size_t model, size_t class_index, uint32_t labels) const {
  if (labels == 0) return class_name(model, class_index);
  std::string names;
  for (; labels != 0; labels &= labels - 1) {
    names += (names.empty() ? "" : "+") +
             class_name(model, static_cast<size_t>(std::countr_zero(labels)));
  }
  return names;
}

std::string ModelNames::model_name(size_t model) const {
  return model < models.size() ? models[model].name : "?";
}

Reloader::Reloader(Settings settings, size_t workers)
    : settings_(std::move(settings)), publisher_(workers, no_models(1)) {
  current_ = publisher_.current();
  names_[1] = {};
  if (settings_.models.empty()) {
    first_.generation = generation_;
    first_.message = "no models are configured: packets pass unclassified";
  } else {
    first_ = finish(take(settings_));
  }
}

ReloadReport Reloader::take(const Settings& wanted) {
  ReloadReport report;
  try {
    auto set = load_models(wanted, generation_ + 1, publisher_.current().get());
    if (same_models(*set, *publisher_.current())) {
      report.message = "the models are as they were: " + describe(*set);
    } else {
      previous_ = publisher_.current();
      report.outcome = ReloadOutcome::loaded;
      report.message = describe(*set);
      for (const std::string& remark : remarks(wanted, *set)) report.message += "; " + remark;
      publish(std::move(set));
    }
  } catch (const std::exception& error) {
    report.outcome = ReloadOutcome::refused;
    report.message = error.what();
  }
  return report;
}

void Reloader::publish(std::shared_ptr<const ModelSet> set) {
  generation_ = set->generation();
  names_[generation_] = names_of(*set);
  if (names_.size() > kNamesKept) names_.erase(names_.begin());
  publisher_.publish(set);
  const std::lock_guard lock(mutex_);
  current_ = std::move(set);
}

ReloadReport Reloader::finish(ReloadReport report) {
  report.generation = generation_;
  counts_[static_cast<size_t>(report.outcome)].fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (report.outcome == ReloadOutcome::refused) {
    last_refusal_ = report.message;
  } else {
    last_refusal_.clear();
  }
  return report;
}

ReloadReport Reloader::reload_models() {
  return finish(take(settings_));
}

ReloadReport Reloader::reload_settings() {
  ReloadReport report;
  try {
    Settings wanted = load_settings(settings_.file);
    auto restart = needs_restart(settings_, wanted);
    report = take(wanted);
    report.needs_restart = std::move(restart);
    if (report.outcome != ReloadOutcome::refused) {
      settings_.models = std::move(wanted.models);
      settings_.marking.classes = std::move(wanted.marking.classes);
      settings_.require_golden = wanted.require_golden;
      settings_.trusted_keys = std::move(wanted.trusted_keys);
      settings_.max_model_mb = wanted.max_model_mb;
      settings_.log.level = wanted.log.level;
    }
  } catch (const std::exception& error) {
    report.outcome = ReloadOutcome::refused;
    report.message = error.what();
  }
  return finish(std::move(report));
}

ReloadReport Reloader::rollback() {
  ReloadReport report;
  if (previous_ == nullptr) {
    report.outcome = ReloadOutcome::refused;
    report.message = "there is no earlier model set to go back to";
  } else {
    auto set = renew(*previous_, generation_ + 1);
    previous_ = publisher_.current();
    report.outcome = ReloadOutcome::rolled_back;
    report.message = describe(*set);
    publish(std::move(set));
  }
  return finish(std::move(report));
}

const ModelNames& Reloader::names(uint64_t generation) const {
  static const ModelNames none;
  const auto found = names_.find(generation);
  return found == names_.end() ? none : found->second;
}

std::shared_ptr<const ModelSet> Reloader::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string Reloader::last_refusal() const {
  const std::lock_guard lock(mutex_);
  return last_refusal_;
}

}  // namespace flowmark
