// Logistic regression and multinomial naive Bayes as learners.

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <nlohmann/json.hpp>

#include "learn/linear/learner.h"
#include "learn/softmax.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

class LinearLearner final : public Learner {
 public:
  explicit LinearLearner(const LinearTraining& training, const LearnerOptions& options)
      : training_(training),
        bayes_(training.type == LinearType::naive_bayes),
        given_(training.strengths) {
    training_.balanced = options.balanced;
    training_.patience = options.early_stop;
    training_.calibrate = options.calibrate;
    training_.show_progress = options.show_progress;
    training_.stop = options.stop;
    training_.state = options.state;
    training_.on_line = options.on_line;
  }

  void learn(const ExampleSet& examples, std::span<const uint32_t> train,
             std::span<const uint32_t> validation) override {
    check_trainable(examples, train, false);
    training_.strengths = given_;
    if (given_.empty()) {
      if (bayes_) {
        training_.strengths = {1};
      } else if (validation.empty()) {
        training_.strengths = {1e-4};
      } else {
        training_.strengths = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
      }
    }
    trained_ = train_linear(examples, train, validation, training_);
  }

  std::string report() const override {
    std::string text = bayes_ ? "alpha" : "l2   ";
    text += "     iterations  temperature  validation loss  balanced accuracy\n";
    for (size_t i = 0; i < trained_.trials.size(); ++i) {
      const LinearTrial& trial = trained_.trials[i];
      text += fmt::format("{:<9g} {:>11} {:>12.3f} {:>16.5f} {:>17.2f}%{}{}\n", trial.strength,
                          trial.iterations, trial.temperature, trial.validation_loss,
                          100 * trial.validation_accuracy, i == trained_.chosen ? "  <-" : "",
                          trial.converged ? "" : "  (not converged: --max-iterations)");
    }
    return text;
  }

  void describe(Json& card) const override {
    const LinearTrial& trial = trained_.trials[trained_.chosen];
    card["regularisation"] = trial.strength;
    card["temperature"] = trial.temperature;
  }

  Json trials() const override {
    Json list = Json::array();
    for (const LinearTrial& trial : trained_.trials) {
      list.push_back({{"strength", trial.strength},
                      {"iterations", trial.iterations},
                      {"converged", trial.converged},
                      {"temperature", trial.temperature},
                      {"validation_loss", trial.validation_loss},
                      {"validation_balanced_accuracy", trial.validation_accuracy}});
    }
    return list;
  }

  void write(const std::filesystem::path& path,
             const ModelDescription& description) const override {
    write_linear_model(path, description, trained_.fit.parameters());
  }

  std::vector<float> probabilities(const ExampleSet& examples,
                                   std::span<const uint32_t> rows) const override {
    const size_t classes = trained_.fit.class_count();
    std::vector<float> out(rows.size() * classes);
    tbb::parallel_for(size_t{0}, rows.size(), [&](size_t i) {
      std::vector<double> scores(classes);
      trained_.fit.score(examples.row(rows[i]), scores);
      softmax(scores);
      std::transform(scores.begin(), scores.end(),
                     out.begin() + static_cast<ptrdiff_t>(i * classes),
                     [](double p) { return static_cast<float>(p); });
    });
    return out;
  }

  bool interrupted() const override { return trained_.interrupted; }

 private:
  LinearTraining training_;
  bool bayes_;
  std::vector<double> given_;
  TrainedLinear trained_;
};

}  // namespace

std::unique_ptr<Learner> make_linear_learner(const LinearTraining& training,
                                             const LearnerOptions& options) {
  return std::make_unique<LinearLearner>(training, options);
}

}  // namespace flowmark
