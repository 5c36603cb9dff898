#include "runtime/verdict_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "support/fake_model.h"

namespace flowmark {
namespace {

TEST(VerdictJson, HasNoNumberThatJsonCannotSay) {
  const ModelSet set(1, {testing::active(testing::size_model(testing::histogram_spec()))});
  VerdictEvent event;
  event.confidence = std::numeric_limits<float>::quiet_NaN();
  const auto line = nlohmann::json::parse(verdict_json(event, set));
  EXPECT_TRUE(line["confidence"].is_null());
  event.confidence = 0.5F;
  EXPECT_EQ(nlohmann::json::parse(verdict_json(event, set))["confidence"], 0.5);
}

}  // namespace
}  // namespace flowmark
