#include "learn/training_result.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flowmark {
namespace {

TEST(TrainingResult, NamesTheThresholdsOfEachLabel) {
  const std::vector<LabelThreshold> thresholds = {{.threshold = 0.5, .sure = 0.75, .found = 0.25},
                                                  {.threshold = 0.4, .sure = 1, .found = 0}};
  const nlohmann::ordered_json card = to_json(thresholds, {"voip", "chat"});
  EXPECT_EQ(card.dump(), R"({"voip":{"threshold":0.5,"sure":0.75,"found":0.25},)"
                         R"("chat":{"threshold":0.4,"sure":1.0,"found":0.0}})");
}

}  // namespace
}  // namespace flowmark
