#include "learn/linear/family.h"

#include "base/error.h"
#include "learn/linear/learner.h"

namespace flowmark {
namespace {

constexpr LearnerKind kLinearKinds[] = {
    {.name = "logistic",
     .title = "logistic regression",
     .help = "logistic (regression; the default)",
     .resumes = true,
     .early_stop_help = "iterations",
     .histogram_values = ValueKind::log1p},
    {.name = "naive-bayes", .title = "naive Bayes", .help = "naive-bayes (multinomial)"},
    {.name = "gaussian-nb",
     .title = "naive Bayes",
     .help = "gaussian-nb",
     .inexact_hint = " (a larger --smoothing helps)"}};
constexpr const LearnerKind& kLogistic = kLinearKinds[0];
constexpr const LearnerKind& kNaiveBayes = kLinearKinds[1];
constexpr const LearnerKind& kGaussian = kLinearKinds[2];

class LinearFamily final : public LearnerFamily {
 public:
  std::unique_ptr<LearnerFamily> clone() const override {
    return std::make_unique<LinearFamily>(*this);
  }

  std::span<const LearnerKind> kinds() const noexcept override { return kLinearKinds; }

  std::vector<LearnerOption> options() override {
    return {
        {"l2", &l2_,
         "Logistic: strength of the penalty on squared weights; of several the best on "
         "validation data is taken (default 1e-2 ... 1e-6)",
         ""},
        {"alpha", &alpha_, "Naive Bayes: smoothing; of several the best is taken (default 1)", ""},
        {"smoothing", &smoothing_,
         "Gaussian naive Bayes: share of the largest variance that is added to all; of "
         "several the best is taken (default 1e-1 ... 1e-9)",
         ""},
        {"max-iterations", &training_.max_iterations, "Of each logistic fit", ""},
        {"tolerance", &training_.tolerance, "Converged when the gradient has shrunk to this share",
         ""},
        {"refit", &training_.refit,
         "Linear: finally train on training and validation data together", ""},
    };
  }

  bool learns_validation() const override { return training_.refit; }

  std::unique_ptr<Learner> make(const LearnerKind& kind, const LearnerOptions& options,
                                const FeatureSpec& input) const override {
    if (&kind == &kGaussian) return make_gaussian_learner(smoothing_, options);
    if (&kind == &kNaiveBayes && input.values() == ValueKind::number) {
      fail(
          "{} learns from counts: 'kind' of the feature specification must not be {}, whose "
          "numbers "
          "may be negative",
          kind.name, input.kind());
    }
    LinearTraining training = training_;
    training.type = &kind == &kLogistic ? LinearType::logistic : LinearType::naive_bayes;
    training.strengths = &kind == &kLogistic ? l2_ : alpha_;
    return make_linear_learner(training, options);
  }

 private:
  std::vector<double> l2_;
  std::vector<double> alpha_;
  std::vector<double> smoothing_;
  LinearTraining training_;
};

}  // namespace

std::unique_ptr<LearnerFamily> make_linear_family() {
  return std::make_unique<LinearFamily>();
}

}  // namespace flowmark
