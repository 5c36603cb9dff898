#include "learn/forest/family.h"

#include <fmt/format.h>

#include "learn/forest/learner.h"

namespace flowmark {
namespace {

constexpr LearnerKind kForestKinds[] = {{.name = "forest",
                                         .title = "a forest",
                                         .help = "(random) forest (the default of --multi-label)",
                                         .multilabel = true,
                                         .resumes = true}};

class ForestFamily final : public LearnerFamily {
 public:
  std::unique_ptr<LearnerFamily> clone() const override {
    return std::make_unique<ForestFamily>(*this);
  }

  std::span<const LearnerKind> kinds() const noexcept override { return kForestKinds; }

  std::vector<LearnerOption> options() override {
    return {
        {"trees", &growing_.trees, "Forest: how many", "Of a forest", "30"},
        {"min-leaf", &growing_.min_leaf,
         "Forest: windows a leaf rests on at least; more give smoother probabilities", ""},
        {"max-depth", &growing_.max_depth, "Forest: splits on the way to a leaf; 0: any", ""},
        {"max-leaves", &growing_.max_leaves, "Forest: of a tree; 0: any", ""},
        {"features-per-split", &growing_.features_per_split,
         "Forest: drawn for every split; 0: the square root of their number",
         "Of a forest: drawn for every split; 0: the square root of their number"},
        {"extra-trees", &growing_.random_thresholds,
         "Forest: a random threshold for every feature drawn, all windows in every tree",
         "Of a forest: a random threshold for every feature drawn, all windows in every tree"},
        {"out-of-bag", &growing_.out_of_bag, "", ""},
    };
  }

  std::string changes() const override {
    if (growing_.features_per_split == 0 && !growing_.random_thresholds) return "";
    return fmt::format(" {}{}", growing_.features_per_split,
                       growing_.random_thresholds ? " extra" : "");
  }

  std::unique_ptr<Learner> make(const LearnerKind&, const LearnerOptions& options,
                                const FeatureSpec&) const override {
    ForestOptions growing = growing_;
    growing.bootstrap = !growing.random_thresholds;
    return make_forest_learner(growing, options);
  }

 private:
  ForestOptions growing_;
};

}  // namespace

std::unique_ptr<LearnerFamily> make_forest_family() {
  return std::make_unique<ForestFamily>();
}

}  // namespace flowmark
