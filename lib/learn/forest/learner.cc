// Random forests as learners, of one class or of sets of labels.

#include "learn/forest/learner.h"

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "learn/calibrate.h"
#include "learn/label_calibration.h"
#include "learn/softmax.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kTreesALine = 500;

/// The cross entropy of shares of votes as they are; none counts as half a vote.
double loss_of_shares(std::span<const double> shares, std::span<const uint32_t> labels,
                      uint32_t classes, size_t trees) {
  std::vector<double> logs(shares.size());
  const double least = 0.5 / static_cast<double>(trees);
  std::transform(shares.begin(), shares.end(), logs.begin(),
                 [&](double share) { return std::log(std::max(share, least)); });
  std::vector<double> count(classes, 0);
  for (const uint32_t label : labels) {
    count[label] += 1;
  }
  const auto present = std::count_if(count.begin(), count.end(), [](double n) { return n > 0; });
  double loss = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    loss -= logs[i * classes + labels[i]] / (count[labels[i]] * static_cast<double>(present));
  }
  return loss;
}

class ForestLearner final : public Learner {
 public:
  ForestLearner(const ForestOptions& growing, const LearnerOptions& options)
      : options_(growing), all_(options) {
    options_.balanced = options.balanced && growing.class_weights.empty();
    options_.seed = options.seed;
    options_.state = options.state;
  }

  void learn(const ExampleSet& examples, std::span<const uint32_t> train,
             std::span<const uint32_t> validation) override {
    check_trainable(examples, train, examples.multilabel);
    grow(examples, train);
    temperature_.reset();
    scales_.clear();
    validation_accuracy_.reset();
    if (!validation.empty() && !examples.multilabel) {
      validation_accuracy_ =
          balanced_accuracy(examples, validation, probabilities(examples, validation));
    }
    if (all_.calibrate) {
      calibrate(examples, train, validation);
    }
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
    if (trained_.forest.multilabel && trained_.out_of_bag.judged > 0) {
      text += fmt::format("; Hamming loss {:.4f}", trained_.out_of_bag.hamming_loss);
    }
    if (validation_accuracy_) {
      text += fmt::format("; balanced accuracy on validation data {:.2f}%",
                          100 * *validation_accuracy_);
    }
    if (temperature_) {
      text += fmt::format("; temperature {:.4f}", *temperature_);
    }
    if (!scales_.empty()) {
      text += "; each label's probabilities scaled";
    }
    return text + "\n";
  }

  void describe(Json& card) const override {
    card["trees"] = trained_.forest.roots.size();
    card["nodes"] = trained_.forest.nodes.size();
    card["min_leaf"] = options_.min_leaf;
    if (temperature_) card["temperature"] = *temperature_;
    if (!scales_.empty()) card["scaled"] = true;
    if (trained_.out_of_bag.judged > 0) card["out_of_bag"] = trained_.out_of_bag.accuracy;
  }

  Json trials() const override {
    Json trial{{"trees", trained_.forest.roots.size()},
               {"out_of_bag", trained_.out_of_bag.accuracy}};
    if (trained_.forest.multilabel) {
      trial["out_of_bag_hamming_loss"] = trained_.out_of_bag.hamming_loss;
    }
    if (validation_accuracy_) trial["validation_balanced_accuracy"] = *validation_accuracy_;
    if (temperature_) trial["temperature"] = *temperature_;
    return Json::array({trial});
  }

  void write(const std::filesystem::path& path,
             const ModelDescription& description) const override {
    ForestPlan plan = trained_.forest.plan();
    if (temperature_) {
      for (float& share : plan.leaves) {
        share = static_cast<float>(double{share} / *temperature_);
      }
      plan.output.transform = OutputRule::Transform::softmax;
    }
    for (size_t i = 0; i < plan.leaves.size() && !scales_.empty(); ++i) {
      plan.leaves[i] = static_cast<float>(double{plan.leaves[i]} * scales_[i % plan.scores].slope);
    }
    for (size_t c = 0; c < scales_.size(); ++c) {
      plan.base[c] = static_cast<float>(scales_[c].offset);
      plan.output.transform = OutputRule::Transform::logistic;
    }
    write_forest_model(path, description, plan);
  }

  std::vector<float> probabilities(const ExampleSet& examples,
                                   std::span<const uint32_t> rows) const override {
    std::vector<double> answers = shares(examples, rows);
    if (temperature_) {
      const size_t classes = trained_.forest.class_count;
      for (double& share : answers) share /= *temperature_;
      for (size_t i = 0; i < rows.size(); ++i) {
        softmax(std::span(answers).subspan(i * classes, classes));
      }
    }
    for (size_t i = 0; i < answers.size() && !scales_.empty(); ++i) {
      answers[i] = scales_[i % scales_.size()].probability(answers[i]);
    }
    return {answers.begin(), answers.end()};
  }

  bool interrupted() const override { return interrupted_; }

 private:
  void grow(const ExampleSet& examples, std::span<const uint32_t> train) {
    std::optional<Progress> progress;
    if (all_.show_progress) progress.emplace("trees", options_.trees);
    interrupted_ = false;
    ForestOptions options = options_;
    options.on_tree = [&](uint32_t done) {
      if (progress) progress->set(done);
      if (all_.on_line && done % kTreesALine == 0) {
        all_.on_line(fmt::format("{} of {} trees", done, options_.trees));
      }
      interrupted_ = all_.stop != nullptr && all_.stop->load() && done < options_.trees;
      return !interrupted_;
    };
    if (examples.multilabel) {
      std::vector<uint64_t> sets;
      for (const uint32_t row : train) sets.push_back(examples.info(row).label_set);
      trained_ = train_forest(examples, train, sets, options);
    } else {
      trained_ = train_forest(examples, train, options);
    }
  }

  /// [row][class] mean of the leaves.
  std::vector<double> shares(const ExampleSet& examples, std::span<const uint32_t> rows) const {
    const size_t classes = trained_.forest.class_count;
    std::vector<double> out(rows.size() * classes);
    tbb::enumerable_thread_specific<std::vector<float>> scratch(
        [&] { return std::vector<float>(trained_.forest.feature_count, 0); });
    tbb::parallel_for(size_t{0}, rows.size(), [&](size_t i) {
      trained_.forest.predict(examples.row(rows[i]), scratch.local(),
                              std::span(out).subspan(i * classes, classes));
    });
    return out;
  }

  /// Probabilities become the softmax of the shares over a temperature (of sets of labels: a
  /// logistic function of each share) where that is nearer to the truth: the only forms of
  /// calibration that a TreeEnsembleClassifier can hold.
  void calibrate(const ExampleSet& examples, std::span<const uint32_t> train,
                 std::span<const uint32_t> validation) {
    const uint32_t classes = trained_.forest.class_count;
    std::vector<double> votes;
    std::vector<uint32_t> labels;
    std::vector<uint64_t> sets;
    const auto take = [&](uint32_t row) {
      labels.push_back(examples.info(row).class_index);
      sets.push_back(examples.info(row).label_set);
    };
    if (!validation.empty()) {
      votes = shares(examples, validation);
      for (const uint32_t row : validation) take(row);
    } else {
      const std::vector<float>& out_of_bag = trained_.out_of_bag.probabilities;
      for (size_t i = 0; i < train.size() && !out_of_bag.empty(); ++i) {
        const auto row = std::span(out_of_bag).subspan(i * classes, classes);
        if (std::isnan(row[0])) continue;
        votes.insert(votes.end(), row.begin(), row.end());
        take(train[i]);
      }
    }
    if (labels.empty()) return;
    if (examples.multilabel) {
      const double least = 0.5 / static_cast<double>(trained_.forest.roots.size());
      scales_ = scale_labels(votes, sets, classes, least);
      return;
    }
    const Calibration calibration = calibrate_scores(votes, labels, classes);
    const size_t trees = trained_.forest.roots.size();
    if (calibration.loss < loss_of_shares(votes, labels, classes, trees)) {
      temperature_ = calibration.temperature;
    }
  }

  ForestOptions options_;
  LearnerOptions all_;
  TrainedForest trained_;
  std::optional<double> temperature_;
  std::vector<LabelScale> scales_;  ///< by label; empty: shares are probabilities
  std::optional<double> validation_accuracy_;
  bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<Learner> make_forest_learner(const ForestOptions& growing,
                                             const LearnerOptions& options) {
  return std::make_unique<ForestLearner>(growing, options);
}

}  // namespace flowmark
