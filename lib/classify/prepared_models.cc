#include "classify/prepared_models.h"

namespace flowmark {
namespace {

std::string owner_of(const ActiveModel& active) {
  std::string text = active.name;
  for (const std::string& name : active.model->classes) {
    text += '\0';
    text += name;
  }
  return text;
}

}  // namespace

PreparedModels::PreparedModels(const ModelSet* model_set)
    : set(model_set),
      models(set != nullptr && set->models().empty() ? nullptr : set),
      layout(models, 0) {
  if (models == nullptr) return;
  for (const ActiveModel& active : models->models()) {
    scratch.push_back(active.model->engine->make_scratch());
    owners.push_back(owner_of(active));
  }
  window.resize(models->plan()->max_values());  // touches every page
  window.clear();
  reader = WindowReader(*models->plan());
  plans.push_back({0, 0, models->plan()});
}

}  // namespace flowmark
