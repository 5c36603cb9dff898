#include "daemon/flowmarkd/reloader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "classify/verdict.h"
#include "daemon/flowmarkd/signals.h"
#include "runtime/model_store.h"

namespace flowmark {
namespace {

constexpr size_t kNamesKept = 16;

ModelNames names_of(const ModelSet& set) {
  ModelNames names;
  for (const ActiveModel& model : set.models()) {
    names.models.push_back({model.name, model.model->classes, model.model->sha256});
  }
  if (set.policies() == nullptr) return names;
  for (const FlowPolicy& policy : set.policies()->policies()) names.policies.push_back(policy.name);
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

/// All of `wanted` but the limits on live marks: the workers share these for as long as they run.
MarkingSettings with_limits_of(const MarkingSettings& running, MarkingSettings wanted) {
  wanted.ef_share_max = running.ef_share_max;
  wanted.link_mbit = running.link_mbit;
  wanted.ef_flow_kbit = running.ef_flow_kbit;
  wanted.ef_host_kbit = running.ef_host_kbit;
  wanted.af4_flow_kbit = running.af4_flow_kbit;
  wanted.hold_seconds = running.hold_seconds;
  return wanted;
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

std::string ModelNames::policy_name(size_t place) const {
  const std::string name = place < policies.size() ? policies[place] : "";
  return fmt::format("policies[{}]{}{}", place, name.empty() ? "" : " ", name);
}

Reloader::Reloader(Settings settings, size_t workers)
    : settings_(std::move(settings)), publisher_(workers, no_models(1, settings_)) {
  // The folder that a relative path began in may be another one later.
  if (!settings_.file.empty()) settings_.file = std::filesystem::absolute(settings_.file);
  current_ = publisher_.current();
  names_[1] = std::make_shared<ModelNames>(names_of(*current_));
  LoadResult loaded = load_at_start();
  if (settings_.models.empty()) {
    files_ = std::move(loaded.files);
    first_.generation = generation_;
    first_.message = "no models are configured: packets pass unclassified";
  } else {
    first_ = apply(std::move(loaded));
  }
}

LoadResult Reloader::load_at_start() const {
  const EndAtOnce if_told;
  return load(job(LoadKind::models));
}

LoadJob Reloader::job(LoadKind kind) const {
  return {kind,      settings_,          publisher_.current(),
          previous_, rolled_back_files_, publisher_.workers()};
}

uint64_t Reloader::request(LoadKind kind) {
  for (size_t i = 1; i < requests_.size(); ++i) {
    Request& waiting = requests_[i];
    const bool is_rollback = waiting.kind == LoadKind::rollback;
    if (is_rollback != (kind == LoadKind::rollback)) continue;
    if (kind == LoadKind::settings) waiting.kind = kind;  // it reads the models too
    return waiting.number;
  }
  const uint64_t number = next_number_++;
  if (requests_.empty()) thread_.start(job(kind));
  requests_.push_back({number, kind});
  return number;
}

std::optional<Reloader::Finished> Reloader::finish() {
  std::optional<LoadResult> result = thread_.take();
  if (!result) return std::nullopt;
  const uint64_t number = requests_.front().number;
  requests_.pop_front();
  Finished finished{number, apply(std::move(*result))};
  if (!requests_.empty()) thread_.start(job(requests_.front().kind));
  return finished;
}

ReloadReport Reloader::apply(LoadResult result) {
  ReloadReport report;
  if (result.refusal.empty() && result.kind != LoadKind::rollback) files_.clear();
  for (WatchedFile& file : result.files) {  // of a refused set too: its files may still come
    if (std::ranges::find(files_, file.path, &WatchedFile::path) == files_.end()) {
      files_.push_back(std::move(file));
    }
  }
  if (!result.refusal.empty()) {
    report.outcome = ReloadOutcome::refused;
    report.message = std::move(result.refusal);
  } else if (result.kind == LoadKind::rollback) {
    roll_back(result, report);
  } else {
    take_over(result, report);
  }
  return count(std::move(report));
}

void Reloader::take_over(LoadResult& result, ReloadReport& report) {
  const ModelSet& set = *result.publication.set;
  const Settings& wanted = result.settings ? *result.settings : settings_;
  if (result.unchanged) {
    report.message = "the models are as they were: " + describe(set);
  } else if (rolled_back_ != nullptr && same_models(set, *rolled_back_)) {
    report.message = "this set was rolled back and is not taken over again: " + describe(set);
  } else {
    report.outcome = ReloadOutcome::loaded;
    report.message = describe(set);
    for (const std::string& remark : remarks(wanted, set)) report.message += "; " + remark;
    if (!publisher_.current()->models().empty()) previous_ = publisher_.current();
    if (result.kept.empty()) {
      rolled_back_files_.clear();
      rolled_back_ = nullptr;
    }
    publish(std::move(result.publication));
  }
  if (!result.kept.empty()) {
    report.message +=
        fmt::format("; {} stays: its file was rolled back", fmt::join(result.kept, ", "));
  }
  if (result.settings) adopt(std::move(*result.settings), report);
}

// Back to the set before the running one. What is left behind stays so at later reloads, until
// other files are there or a second rollback takes the first one back.
void Reloader::roll_back(LoadResult& result, ReloadReport& report) {
  const bool undoes = rolled_back_ != nullptr && rolled_back_ == previous_;
  const auto left = publisher_.current();
  rolled_back_files_.clear();
  rolled_back_ = undoes ? nullptr : left;
  if (!undoes) {
    for (const ActiveModel& model : left->models()) rolled_back_files_.insert(model.model->sha256);
    for (const ActiveModel& model : result.publication.set->models()) {
      rolled_back_files_.erase(model.model->sha256);
    }
  }
  previous_ = left;
  report.outcome = ReloadOutcome::rolled_back;
  report.message = describe(*result.publication.set);
  publish(std::move(result.publication));
}

// What changes live; the rest is named.
void Reloader::adopt(Settings wanted, ReloadReport& report) {
  report.needs_restart = needs_restart(settings_, wanted);
  settings_.models = std::move(wanted.models);
  settings_.marking = with_limits_of(settings_.marking, std::move(wanted.marking));
  settings_.require_golden = wanted.require_golden;
  settings_.trusted_keys = std::move(wanted.trusted_keys);
  settings_.max_model_mb = wanted.max_model_mb;
  settings_.max_load_mb = wanted.max_load_mb;
  settings_.log.level = wanted.log.level;
}

void Reloader::publish(Publication publication) {
  const std::shared_ptr<const ModelSet> set = publication.set;
  generation_ = set->generation();
  {
    const std::lock_guard lock(mutex_);
    names_[generation_] = std::make_shared<ModelNames>(names_of(*set));
    if (names_.size() > kNamesKept) names_.erase(names_.begin());
  }
  for (size_t m = 0; m < set->models().size(); ++m) {
    const ActiveModel& active = set->models()[m];
    for (size_t c = 0; c < active.model->classes.size(); ++c) {
      class_names_[set->tag_of(m, c)] = {active.name, active.model->classes[c]};
    }
  }
  publisher_.publish(std::move(publication));
  const std::lock_guard lock(mutex_);
  current_ = set;
}

ReloadReport Reloader::count(ReloadReport report) {
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

const ModelNames& Reloader::names(uint64_t generation) const {
  static const ModelNames none;
  const auto found = names_.find(generation);
  return found == names_.end() ? none : *found->second;
}

std::shared_ptr<const ModelNames> Reloader::shared_names(uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(generation);
  return found == names_.end() ? nullptr : found->second;
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
