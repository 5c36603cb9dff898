#include "runtime/model_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/error.h"

namespace flowmark {
namespace {

using Deadline = std::chrono::steady_clock::time_point;
/// For all models together. What a model may cost takes about a second; the rest is for a machine
/// that is busy.
constexpr std::chrono::seconds kPatience{30};

bool same_file(const Model& a, const Model& b) {
  return a.path == b.path && a.sha256 == b.sha256 && a.engine->precision() == b.engine->precision();
}

std::shared_ptr<const Model> load_or_reuse(const Settings& settings, const ModelSettings& wanted,
                                           Deadline deadline, LentModels* lent) {
  LoadOptions options;
  options.max_bytes = uint64_t{settings.max_model_mb} << 20;
  options.limits.memory_bytes = uint64_t{settings.max_load_mb} << 20;
  options.limits.scratches = settings.worker_count;
  options.limits.deadline = deadline;
  options.require_golden = settings.require_golden;
  options.trusted_keys = settings.trusted_keys;
  options.precision = wanted.precision;
  auto model = load_model(wanted.path, options);
  if (lent == nullptr) return model;
  const auto& running = lent->running->models();
  if (lent->rolled_back.contains(model->sha256)) {
    const auto stays = std::ranges::find(running, wanted.name, &ActiveModel::name);
    if (stays == running.end()) {
      fail("{}: this file was rolled back, and no model {} runs; put another file there",
           wanted.path.string(), wanted.name);
    }
    lent->kept.push_back(wanted.name);
    return stays->model;
  }
  for (const ActiveModel& old : running) {
    if (same_file(*old.model, *model)) return old.model;
  }
  return model;
}

VerdictCondition condition_of(const ModelSettings& wanted, const std::vector<ActiveModel>& before) {
  const auto other = std::find_if(before.begin(), before.end(), [&](const ActiveModel& model) {
    return model.name == wanted.when->model;
  });
  if (other == before.end()) {
    fail("model {}: when.model: value {}: expected the name of a model further up the list",
         wanted.name, wanted.when->model);
  }
  VerdictCondition condition;
  condition.model = static_cast<uint32_t>(other - before.begin());
  const auto& classes = other->model->classes;
  for (const std::string& name : wanted.when->classes) {
    const auto place = std::find(classes.begin(), classes.end(), name);
    if (place == classes.end()) {
      fail("model {}: when.classes: value {}: model {} ({}) has the classes {}", wanted.name, name,
           other->name, other->model->path, fmt::join(classes, ", "));
    }
    condition.class_mask |= uint64_t{1} << (place - classes.begin());
  }
  condition.below = wanted.when->below;
  condition.above = wanted.when->above;
  return condition;
}

Marking marking_of(const MarkingSettings& settings) {
  return {.mode = settings.mode,
          .fallback = settings.fallback,
          .wash = settings.wash,
          .pcp = settings.pcp,
          .trusted = settings.trust};
}

std::shared_ptr<const PolicyTable> policies_of(const Settings& settings) {
  if (settings.policies.empty()) return nullptr;
  return std::make_shared<const PolicyTable>(settings.policies);
}

bool same_policies(const ModelSet& a, const ModelSet& b) {
  if (a.policies() == nullptr || b.policies() == nullptr) return a.policies() == b.policies();
  return a.policies()->policies() == b.policies()->policies();
}

bool same_model(const ActiveModel& a, const ActiveModel& b) {
  const auto same_policy = [](const VerdictPolicy& x, const VerdictPolicy& y) {
    return x.min_packets == y.min_packets && x.min_us == y.min_us &&
           x.hop_packets == y.hop_packets && x.hop_us == y.hop_us && x.votes == y.votes &&
           x.confidence == y.confidence && x.hysteresis == y.hysteresis && x.open_set == y.open_set;
  };
  return a.name == b.name && a.marks == b.marks && a.class_dscp == b.class_dscp &&
         a.label_thresholds == b.label_thresholds && same_file(*a.model, *b.model) &&
         same_policy(a.policy, b.policy) && a.condition == b.condition;
}

}  // namespace

std::shared_ptr<const ModelSet> load_models(const Settings& settings, uint64_t generation,
                                            LentModels* lent) {
  const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
  std::vector<ActiveModel> models;
  for (const ModelSettings& wanted : settings.models) {
    ActiveModel active;
    active.name = wanted.name;
    active.model = load_or_reuse(settings, wanted, deadline, lent);
    active.policy = wanted.policy;
    if (!wanted.policy.confidence_given && active.model->confidence) {
      active.policy.confidence = *active.model->confidence;
    }
    if (active.model->multilabel && wanted.policy.confidence_given) {
      active.label_thresholds.assign(active.model->classes.size(), wanted.policy.confidence);
    }
    active.marks = wanted.marks;
    if (wanted.when) active.condition = condition_of(wanted, models);
    for (const std::string& name : active.model->classes) {
      active.class_dscp.push_back(marks_of_class(settings.marking, name));
    }
    models.push_back(std::move(active));
  }
  return std::make_shared<const ModelSet>(
      generation, std::move(models), marking_of(settings.marking),
      lent != nullptr ? lent->running->numbers() : MarkNumbers{}, policies_of(settings));
}

std::shared_ptr<const ModelSet> no_models(uint64_t generation, const Settings& settings) {
  return std::make_shared<const ModelSet>(generation, std::vector<ActiveModel>{},
                                          marking_of(settings.marking), MarkNumbers{},
                                          policies_of(settings));
}

std::shared_ptr<const ModelSet> renew(const ModelSet& set, const ModelSet& running,
                                      uint64_t generation) {
  return std::make_shared<const ModelSet>(generation, set.models(), set.marking(),
                                          running.numbers(), set.policies());
}

bool same_models(const ModelSet& a, const ModelSet& b) {
  return a.marking() == b.marking() && same_policies(a, b) &&
         std::equal(a.models().begin(), a.models().end(), b.models().begin(), b.models().end(),
                    same_model);
}

std::vector<std::string> class_faults(const Settings& settings, const ModelSet& set) {
  std::vector<std::string> found;
  if (set.models().empty()) return found;
  std::set<std::string> given;
  bool marks = false, is_in_map = false;
  for (const ActiveModel& model : set.models()) {
    given.insert(model.model->classes.begin(), model.model->classes.end());
    marks |= model.marks;
    is_in_map |= model.marks && std::ranges::any_of(model.model->classes, [&](const auto& name) {
                   return settings.marking.classes.contains(name) ||
                          settings.marking.lan_classes.contains(name);
                 });
  }
  const auto defaults = MarkingSettings::default_classes();
  const auto find_unknown = [&](const ClassMarks& map, const char* key) {
    for (const auto& [name, mark] : map) {
      if (given.contains(name) || defaults.contains(name)) continue;
      found.push_back(fmt::format("{}.{}: no configured model has this class; they have {}", key,
                                  name, fmt::join(given, ", ")));
    }
  };
  find_unknown(settings.marking.classes, "marking.classes");
  find_unknown(settings.marking.lan_map.classes, "marking.towards_lan.classes");
  if (marks && !is_in_map && settings.marking.mode != MarkMode::report) {
    found.push_back(
        fmt::format("marking.classes: has none of the models' classes ({}): nothing "
                    "would be marked; add some, or set marks: false of the models",
                    fmt::join(given, ", ")));
  }
  return found;
}

std::vector<std::string> remarks(const Settings& settings, const ModelSet& set) {
  std::vector<std::string> found = class_faults(settings, set);
  for (size_t i = 0; i < set.models().size() && i < settings.models.size(); ++i) {
    const Precision wanted = settings.models[i].precision;
    if (wanted == set.models()[i].model->engine->precision()) continue;
    found.push_back(
        fmt::format("models[{}].precision: {} runs in exact float: {} is for "
                    "convolutional networks on processors with AVX512_BF16",
                    i, settings.models[i].name, to_string(wanted)));
  }
  return found;
}

}  // namespace flowmark
