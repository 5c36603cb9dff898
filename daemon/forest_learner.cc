// Random forests for flowmark train.

#include <fmt/format.h>

#include <optional>

#include "base/progress.h"
#include "daemon/learner.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

class ForestLearner final : public Learner {
 public:
  explicit ForestLearner(const LearnerOptions& options) : options_(options.forest) {
    options_.balanced = !options.unbalanced;
    options_.seed = options.seed;
  }

  void learn(const ExampleSet& examples, std::span<const uint32_t> train,
             std::span<const uint32_t> validation) override {
    Progress progress("trees", options_.trees);
    ForestOptions options = options_;
    options.on_tree = [&progress](uint32_t done) {
      progress.set(done);
      return true;
    };
    trained_ = train_forest(examples, train, options);
    progress.finish();
    dense_.assign(trained_.forest.feature_count, 0);
    validation_accuracy_.reset();
    if (!validation.empty()) validation_accuracy_ = balanced_accuracy(examples, validation);
  }

  std::string report() const override {
    std::string text = fmt::format("{} trees, {} nodes", trained_.forest.roots.size(),
                                   trained_.forest.nodes.size());
    if (trained_.out_of_bag.judged > 0) {
      text += fmt::format(
          "; out of bag {:.2f}% of {} windows (windows of one flow resemble each "
          "other: the validation counts)",
          100 * trained_.out_of_bag.accuracy, trained_.out_of_bag.judged);
    }
    if (validation_accuracy_) {
      text += fmt::format("; balanced accuracy on validation data {:.2f}%",
                          100 * *validation_accuracy_);
    }
    return text + "\n";
  }

  void describe(Json& card) const override {
    card["trees"] = trained_.forest.roots.size();
    card["nodes"] = trained_.forest.nodes.size();
    card["min_leaf"] = options_.min_leaf;
    if (trained_.out_of_bag.judged > 0) card["out_of_bag"] = trained_.out_of_bag.accuracy;
  }

  Json trials() const override {
    Json trial{{"trees", trained_.forest.roots.size()},
               {"out_of_bag", trained_.out_of_bag.accuracy}};
    if (validation_accuracy_) trial["validation_balanced_accuracy"] = *validation_accuracy_;
    return Json::array({trial});
  }

  void write(const std::filesystem::path& path,
             const ModelDescription& description) const override {
    write_forest_model(path, description, trained_.forest.plan());
  }

  void probabilities(std::span<const SparseValue> window, std::span<double> out) override {
    trained_.forest.predict(window, dense_, out);
  }

 private:
  double balanced_accuracy(const ExampleSet& examples, std::span<const uint32_t> rows) {
    std::vector<uint64_t> right(examples.classes.size(), 0), all(examples.classes.size(), 0);
    std::vector<double> answer(examples.classes.size());
    for (const uint32_t row : rows) {
      probabilities(examples.row(row), answer);
      const auto best = std::max_element(answer.begin(), answer.end()) - answer.begin();
      const uint32_t truth = examples.info(row).class_index;
      ++all[truth];
      right[truth] += static_cast<uint32_t>(best) == truth;
    }
    double sum = 0;
    uint32_t classes = 0;
    for (size_t c = 0; c < all.size(); ++c) {
      if (all[c] == 0) continue;
      sum += static_cast<double>(right[c]) / static_cast<double>(all[c]);
      ++classes;
    }
    return sum / std::max(1U, classes);
  }

  ForestOptions options_;
  TrainedForest trained_;
  std::vector<float> dense_;
  std::optional<double> validation_accuracy_;
};

}  // namespace

std::unique_ptr<Learner> make_forest_learner(const LearnerOptions& options) {
  return std::make_unique<ForestLearner>(options);
}

}  // namespace flowmark
