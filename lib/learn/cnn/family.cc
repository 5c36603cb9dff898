#include "learn/cnn/family.h"

#include <fmt/format.h>

#include "base/error.h"
#include "learn/cnn/learner.h"

namespace flowmark {
namespace {

constexpr LearnerKind kCnnKinds[] = {{.name = "cnn",
                                      .title = "a CNN",
                                      .help = "cnn",
                                      .input = "flowpic",
                                      .pictures = true,
                                      .resumes = true,
                                      .early_stop_help = "epochs, by default 10"}};
constexpr uint32_t kCnnPatience = 10;  // as the help says

class CnnFamily final : public LearnerFamily {
 public:
  CnnFamily() { training_.patience = kCnnPatience; }

  std::unique_ptr<LearnerFamily> clone() const override {
    return std::make_unique<CnnFamily>(*this);
  }

  std::span<const LearnerKind> kinds() const noexcept override { return kCnnKinds; }

  std::vector<LearnerOption> options() override {
    const auto both = [](const char* name, LearnerOption::Value value, const char* help,
                         const char* quick = "") {
      return LearnerOption{name, std::move(value), help, help, quick};
    };
    return {
        {"network", LearnerWord{&network_, {"auto", "flowpic", "lenet"}},
         "CNN: flowpic (10 x 10 filters, stride 5, as in the paper), lenet (mini-FlowPic), "
         "or auto: flowpic from 200 x 200 pixels on",
         ""},
        both("epochs", &training_.max_epochs, "CNN: at most", "8"),
        {"input-scale", &training_.input_scale, "CNN: pixels are multiplied by it", ""},
        both("batch", &training_.batch, "CNN: pictures a step"),
        both("learning-rate", &training_.learning_rate, "CNN: of Adam, at most"),
        both("schedule", LearnerWord{&schedule_, {"constant", "cosine"}},
             "CNN: the learning rate stays, or rises over a twentieth of all epochs and falls to 0 "
             "along a cosine"),
        both("weight-decay", &training_.weight_decay,
             "CNN: this share of the weights, times the learning rate, is lost each step"),
        both("judge", LearnerWord{&judge_, {"loss", "accuracy", "last"}},
             "CNN: which epoch is best on validation data, by what; or the last one, without "
             "stopping early"),
        both("dropout-place", LearnerWord{&dropout_place_, {"pooled", "unpooled"}},
             "CNN: dropout of the last convolution follows its pooling, or stands between its ReLU "
             "and its pooling"),
        both("init", LearnerWord{&init_, {"pytorch", "he", "glorot"}},
             "CNN: random weights to start from; glorot: as Keras, biases 0"),
        both("adam-epsilon", &training_.epsilon, "CNN: of Adam; Keras has 1e-7"),
        as_published(),
        {"patience", &training_.patience, "", ""},
    };
  }

  void check(const LearnerOptions& options) const override {
    if (judge() == Judge::last && options.early_stop > 0) {
      fail("--early-stop: excludes --judge last");
    }
  }

  bool uses_validation() const override { return judge() != Judge::last; }

  std::string changes() const override {
    const CnnFamily defaults;
    const bool starts_alike = start_text() == defaults.start_text();
    const std::string now = text() + (starts_alike ? "" : start_text());
    return now == defaults.text() ? "" : now;
  }

  std::unique_ptr<Learner> make(const LearnerKind&, const LearnerOptions& options,
                                const FeatureSpec& input) const override {
    CnnTrainingOptions training = training_;
    training.schedule = schedule();
    training.judge = judge();
    if (options.early_stop > 0) training.patience = options.early_stop;
    if (training.judge == Judge::last) training.patience = 0;
    training.init = init();
    if (network_ == "flowpic") training.shape = CnnShape::flowpic(0, 0, 0);
    if (network_ == "lenet") training.shape = CnnShape::lenet(0, 0, 0);
    training.shape.dropout_place = dropout_place();
    return make_cnn_learner(training, options, input);
  }

 private:
  /// The training of FlowPic's authors; theirs are Keras's defaults where they say nothing else.
  LearnerOption as_published() {
    const char* help =
        "CNN: trained as FlowPic's authors did: --batch 128, --dropout-place unpooled, --init "
        "glorot, --adam-epsilon 1e-7, --epochs 40 without stopping early, --judge accuracy; what "
        "the command names itself stays";
    return {"as-published",
            &as_published_,
            help,
            help,
            "",
            {{"batch", "128"},
             {"dropout-place", "unpooled"},
             {"init", "glorot"},
             {"adam-epsilon", "1e-7"},
             {"epochs", "40"},
             {"patience", "0"},
             {"judge", "accuracy"}}};
  }

  using Schedule = CnnTrainingOptions::Schedule;
  using Judge = CnnTrainingOptions::Judge;

  Schedule schedule() const {
    return schedule_ == "cosine" ? Schedule::cosine : Schedule::constant;
  }
  Judge judge() const {
    return judge_ == "last" ? Judge::last : judge_ == "accuracy" ? Judge::accuracy : Judge::loss;
  }
  CnnInit init() const {
    return init_ == "he" ? CnnInit::he : init_ == "glorot" ? CnnInit::glorot : CnnInit::pytorch;
  }
  CnnDropoutPlace dropout_place() const {
    return dropout_place_ == "unpooled" ? CnnDropoutPlace::unpooled : CnnDropoutPlace::pooled;
  }
  std::string text() const {
    return fmt::format(" {} {} {} {} {}", training_.batch, training_.learning_rate,
                       training_.weight_decay, static_cast<int>(schedule()),
                       static_cast<int>(judge()));
  }
  /// Of the options that text() leaves out.
  std::string start_text() const {
    return fmt::format(" {} {} {} {}", dropout_place_, init_, training_.epsilon, as_published_);
  }

  CnnTrainingOptions training_;
  std::string network_ = "auto";
  std::string schedule_ = "constant";
  std::string judge_ = "loss";
  std::string dropout_place_ = "pooled";
  std::string init_ = "pytorch";
  bool as_published_ = false;
};

}  // namespace

std::unique_ptr<LearnerFamily> make_cnn_family() {
  return std::make_unique<CnnFamily>();
}

}  // namespace flowmark
