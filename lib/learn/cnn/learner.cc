// The FlowPic network as a learner.

#include "learn/cnn/learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/progress.h"
#include "learn/calibrate.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

class CnnLearner final : public Learner {
 public:
  CnnLearner(const CnnTrainingOptions& training, const LearnerOptions& options,
             const FeatureSpec& input)
      : all_(options), options_(training) {
    const auto image = input.image();
    if (!image) {
      fail("a CNN reads pictures: 'kind' of the feature specification must be flowpic, not {}",
           input.kind());
    }
    options_.balanced = options.balanced;
    options_.seed = options.seed;
    options_.stop = options.stop;
    options_.state = options.state;
    height_ = image->height;
    width_ = image->width;
  }

  void learn(const ExampleSet& examples, std::span<const uint32_t> train,
             std::span<const uint32_t> validation) override {
    check_trainable(examples, train, false);
    const auto classes = static_cast<uint32_t>(examples.classes.size());
    if (options_.shape.hidden.empty() && options_.shape.convs.empty()) {
      const CnnDropoutPlace place = options_.shape.dropout_place;
      options_.shape = CnnShape::for_picture(height_, width_, classes);
      options_.shape.dropout_place = place;
    }
    options_.shape.height = height_;
    options_.shape.width = width_;
    options_.shape.classes = classes;
    if (validation.empty()) {
      options_.patience = 0;
    }
    fit(examples, train, validation);
    temperature_ = 1;
    if (all_.calibrate && !validation.empty()) {
      calibrate(examples, validation);
    }
  }

  std::string report() const override {
    std::string text =
        fmt::format("{} parameters; best epoch {} of {}", options_.shape.parameter_count(),
                    trained_.best_epoch, trained_.history.size());
    if (const CnnEpoch* best = best_epoch()) {
      text += fmt::format(": loss {:.4f}, accuracy {:.2f}%", best->loss, 100 * best->accuracy);
      if (validated_) {
        text += fmt::format("; on validation data {:.4f}, {:.2f}%", best->validation_loss,
                            100 * best->validation_accuracy);
      }
    }
    return text + fmt::format("; temperature {:.3f}{}\n", temperature_,
                              trained_.interrupted ? "; interrupted" : "");
  }

  void describe(Json& card) const override {
    card["parameters"] = options_.shape.parameter_count();
    card["epochs"] = trained_.history.size();
    card["best_epoch"] = trained_.best_epoch;
    card["temperature"] = temperature_;
  }

  Json trials() const override {
    Json list = Json::array();
    for (const CnnEpoch& epoch : trained_.history) {
      Json entry{{"epoch", epoch.epoch}, {"loss", epoch.loss}, {"accuracy", epoch.accuracy}};
      if (validated_) {
        entry["validation_loss"] = epoch.validation_loss;
        entry["validation_accuracy"] = epoch.validation_accuracy;
      }
      list.push_back(entry);
    }
    return list;
  }

  void write(const std::filesystem::path& path,
             const ModelDescription& description) const override {
    write_network_model(path, description, to_network_plan(options_.shape, trained_.parameters));
  }

  std::vector<float> probabilities(const ExampleSet& examples,
                                   std::span<const uint32_t> rows) const override {
    return cnn_probabilities(options_.shape, trained_.parameters, examples, rows);
  }

  bool interrupted() const override { return trained_.interrupted; }

 private:
  void fit(const ExampleSet& examples, std::span<const uint32_t> train,
           std::span<const uint32_t> validation) {
    validated_ = !validation.empty();
    std::optional<Progress> bar;
    if (all_.show_progress) bar.emplace("training", 0);
    size_t done = 0;
    CnnTrainingHooks hooks;
    hooks.on_batch = [&](size_t, size_t) {
      if (bar) bar->set(++done);
    };
    hooks.on_epoch = [&](const CnnEpoch& epoch, const CnnParameters* best) {
      std::string line = fmt::format("epoch {:>3}: loss {:.4f}, accuracy {:6.2f}%", epoch.epoch,
                                     epoch.loss, 100 * epoch.accuracy);
      if (validated_) {
        line += fmt::format("; validation {:.4f}, {:6.2f}%{}", epoch.validation_loss,
                            100 * epoch.validation_accuracy, best != nullptr ? "  <-" : "");
      }
      if (bar) bar->note(line);
      if (all_.on_line) all_.on_line(line);
      return true;
    };
    trained_ = train_cnn(examples, train, validation, options_, hooks);
    if (trained_.interrupted && trained_.best_epoch == 0) {
      fail("interrupted in the first epoch: there is no model yet");
    }
  }

  void calibrate(const ExampleSet& examples, std::span<const uint32_t> validation) {
    const std::vector<float> answers = probabilities(examples, validation);
    std::vector<double> scores(answers.size());
    std::transform(answers.begin(), answers.end(), scores.begin(), [](float p) {
      return std::log(std::max(double{p}, 1e-30));  // scores, but for a number common to a row
    });
    std::vector<uint32_t> labels;
    for (const uint32_t row : validation) labels.push_back(examples.info(row).class_index);
    temperature_ = calibrate_scores(scores, labels, options_.shape.classes).temperature;
    fold_temperature(trained_.parameters, temperature_);
  }

  const CnnEpoch* best_epoch() const {
    const bool known = trained_.best_epoch > 0 && trained_.best_epoch <= trained_.history.size();
    return known ? &trained_.history[trained_.best_epoch - 1] : nullptr;
  }

  LearnerOptions all_;
  CnnTrainingOptions options_;
  uint32_t height_ = 0;
  uint32_t width_ = 0;
  CnnTraining trained_;
  double temperature_ = 1;
  bool validated_ = false;
};

}  // namespace

std::unique_ptr<Learner> make_cnn_learner(const CnnTrainingOptions& training,
                                          const LearnerOptions& options, const FeatureSpec& input) {
  return std::make_unique<CnnLearner>(training, options, input);
}

}  // namespace flowmark
