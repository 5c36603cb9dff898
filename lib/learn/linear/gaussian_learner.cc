// Gaussian naive Bayes as a learner.

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "learn/linear/gaussian_nb.h"
#include "learn/linear/learner.h"
#include "learn/softmax.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kDefaultSmoothing = 1e-9;

class GaussianLearner final : public Learner {
 public:
  GaussianLearner(const std::vector<double>& smoothings, const LearnerOptions& options)
      : given_(smoothings), options_(options) {}

  void learn(const ExampleSet& examples, std::span<const uint32_t> train,
             std::span<const uint32_t> validation) override {
    check_trainable(examples, train, false);
    std::vector<double> smoothings = given_;
    if (smoothings.empty() && validation.empty()) {
      smoothings = {kDefaultSmoothing};
    } else if (smoothings.empty()) {
      smoothings = {1e-1, 1e-2, 1e-3, 1e-5, 1e-7, kDefaultSmoothing};
    }
    if (smoothings.size() > 1 && validation.empty()) {
      fail("{} smoothings to choose from: validation data is needed to choose", smoothings.size());
    }
    const TrainingData data(examples, train, options_.balanced);
    std::vector<uint32_t> labels;
    for (const uint32_t row : validation) {
      labels.push_back(examples.info(row).class_index);
    }
    trials_.clear();
    for (const double smoothing : smoothings) {
      GaussianFit fit = fit_gaussian_nb(data, smoothing);
      Trial trial{smoothing, {}, 0};
      if (!validation.empty()) {
        const std::vector<double> scores = scores_of(fit, examples, validation);
        trial.calibration = calibrate_scores(scores, labels, fit.class_count());
        const std::vector<float> as_float(scores.begin(), scores.end());
        trial.accuracy = balanced_accuracy(examples, validation, as_float);
      }
      if (trials_.empty() || trial.calibration.loss < trials_[chosen_].calibration.loss) {
        chosen_ = trials_.size();
        fit_ = std::move(fit);
      }
      trials_.push_back(trial);
    }
    if (options_.calibrate) {
      fold_temperature(fit_, trials_[chosen_].calibration.temperature);
    }
  }

  std::string report() const override {
    std::string text = "smoothing  temperature  validation loss  balanced accuracy\n";
    for (size_t i = 0; i < trials_.size(); ++i) {
      text += fmt::format("{:<9g} {:>12.3f} {:>16.5f} {:>17.2f}%{}\n", trials_[i].smoothing,
                          trials_[i].calibration.temperature, trials_[i].calibration.loss,
                          100 * trials_[i].accuracy, i == chosen_ ? "  <-" : "");
    }
    return text;
  }

  void describe(Json& card) const override {
    card["regularisation"] = trials_[chosen_].smoothing;
    card["temperature"] = options_.calibrate ? trials_[chosen_].calibration.temperature : 1;
  }

  Json trials() const override {
    Json list = Json::array();
    for (const Trial& trial : trials_) {
      list.push_back({{"strength", trial.smoothing},
                      {"temperature", trial.calibration.temperature},
                      {"validation_loss", trial.calibration.loss},
                      {"validation_balanced_accuracy", trial.accuracy}});
    }
    return list;
  }

  void write(const std::filesystem::path& path,
             const ModelDescription& description) const override {
    write_quadratic_model(path, description, fit_.parameters());
  }

  std::vector<float> probabilities(const ExampleSet& examples,
                                   std::span<const uint32_t> rows) const override {
    std::vector<double> scores = scores_of(fit_, examples, rows);
    const size_t classes = fit_.class_count();
    for (size_t i = 0; i < rows.size(); ++i) {
      softmax(std::span(scores).subspan(i * classes, classes));
    }
    return {scores.begin(), scores.end()};
  }

 private:
  struct Trial {
    double smoothing = 0;
    Calibration calibration;
    double accuracy = 0;
  };

  static std::vector<double> scores_of(const GaussianFit& fit, const ExampleSet& examples,
                                       std::span<const uint32_t> rows) {
    const size_t classes = fit.class_count();
    std::vector<double> scores(rows.size() * classes);
    tbb::parallel_for(size_t{0}, rows.size(), [&](size_t i) {
      fit.score(examples.row(rows[i]), std::span(scores).subspan(i * classes, classes));
    });
    return scores;
  }

  std::vector<double> given_;
  LearnerOptions options_;
  GaussianFit fit_;
  size_t chosen_ = 0;
  std::vector<Trial> trials_;
};

}  // namespace

std::unique_ptr<Learner> make_gaussian_learner(const std::vector<double>& smoothings,
                                               const LearnerOptions& options) {
  return std::make_unique<GaussianLearner>(smoothings, options);
}

}  // namespace flowmark
