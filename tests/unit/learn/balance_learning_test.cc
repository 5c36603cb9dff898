// What balancing by source is for: a class that nearly always comes from one source.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "data/balance.h"
#include "feature/histogram/histogram.h"
#include "learn/learners.h"

namespace flowmark {
namespace {

constexpr uint32_t kHomeMark = 0;  // every window of a source has its mark
constexpr uint32_t kOfficeMark = 1;
constexpr uint32_t kFilmSign =
    2;  // on films, but for every tenth window, where it is the other way

class BalanceLearning : public testing::TestWithParam<const char*> {
 protected:
  BalanceLearning() {
    examples_.feature_count = length_of(histogram_of(spec_));
    examples_.classes = {"calls", "films"};
    add(0, "home", 190);
    add(0, "office", 10);
    add(1, "home", 10);
    add(1, "office", 190);
    train_.resize(examples_.size());
    std::iota(train_.begin(), train_.end(), 0U);
    // Where the sources say the other class.
    add(0, "office", 100);
    add(1, "home", 100);
    for (auto row = static_cast<uint32_t>(train_.size()); row < examples_.size(); ++row) {
      test_.push_back(row);
    }
  }

  void add(uint32_t class_index, const std::string& source, uint32_t flows) {
    for (uint32_t i = 0; i < flows; ++i) {
      ExampleFlow flow;
      flow.class_index = class_index;
      flow.attributes["source"] = source;
      ExampleInfo info;
      info.class_index = class_index;
      info.flow = static_cast<uint32_t>(examples_.flows.size());
      examples_.flows.push_back(flow);
      SparseWindow window{{source == "home" ? kHomeMark : kOfficeMark, 1}};
      if ((class_index == 1) != (i % 10 == 0)) window.push_back({kFilmSign, 1});
      examples_.add(info, window);
    }
  }

  double accuracy(const std::vector<uint32_t>& train) const {
    LearnerOptions options;
    options.show_progress = false;
    options.calibrate = false;
    Learners learners;
    learners.set("features-per-split", "3");
    learners.set("trees", "20");
    learners.set("l2", "0.0001");
    const auto learner = learners.make(GetParam(), options, spec_);
    learner->learn(examples_, train, {});
    return balanced_accuracy(examples_, test_, learner->probabilities(examples_, test_));
  }

  FeatureSpec spec_ = FeatureSpec::from_json(R"({"kind":"size_iat","size":{"bins":2},)"
                                             R"("iat_us":{"bins":2}})",
                                             "test");
  ExampleSet examples_;
  std::vector<uint32_t> train_;
  std::vector<uint32_t> test_;
};

TEST_P(BalanceLearning, WithoutItTheSourceIsLearntAsTheClass) {
  EXPECT_LT(accuracy(train_), 0.2);
}

TEST_P(BalanceLearning, WithItTheClassIsLearnt) {
  EXPECT_GT(accuracy(balance_rows(examples_, train_, {})), 0.85);
}

INSTANTIATE_TEST_SUITE_P(Kinds, BalanceLearning, testing::Values("forest", "logistic"));

}  // namespace
}  // namespace flowmark
