#include "data/label_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace flowmark {
namespace {

class LabelRulesTest : public testing::Test {
 protected:
  ~LabelRulesTest() override { std::filesystem::remove(file_); }

  LabelRules read(const std::string& text) {
    std::ofstream(file_) << text;
    return LabelRules(file_);
  }

  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path file_ =
      std::filesystem::path(testing::TempDir()) /
      ("rules_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
};

TEST_F(LabelRulesTest, TheDemosFileIsRead) {
  const LabelRules rules(FLOWMARK_SOURCE_DIR "/config/demo/labels.yaml");
  EXPECT_EQ(rules.label_of("udp 10.77.0.11:5004 10.77.1.1:5004"), "voip");
}

TEST_F(LabelRulesTest, TheFirstRuleThatFitsEitherEndDecides) {
  const LabelRules rules = read(
      "rules:\n- {label: voip, host: 10.0.0.1, port: 5004}\n- {label: web, port: 443}\n"
      "- {label: lan, host: 10.0.0.0/8}\n");
  EXPECT_EQ(rules.label_of("udp 10.0.0.1:5004 192.0.2.1:443"), "voip");
  EXPECT_EQ(rules.label_of("tcp 10.0.0.1:4000 192.0.2.1:443"), "web");
  EXPECT_EQ(rules.label_of("tcp [2001:db8::1]:443 [2001:db8::2]:9"), "web");
  EXPECT_EQ(rules.label_of("icmp 192.0.2.1 10.0.0.2"), "lan");
  EXPECT_EQ(rules.label_of("udp 192.0.2.1:1 192.0.2.2:2"), "");
}

TEST_F(LabelRulesTest, TellsAllProblemsAtOnce) {
  const std::string error = error_of("rules:\n- {lable: a, port: 70000}\n- {label: b, host: x}\n");
  EXPECT_THAT(error,
              testing::HasSubstr(":2: rules[0].lable: unknown key: did you mean \"label\"?"));
  EXPECT_THAT(error, testing::HasSubstr(":2: rules[0].label: missing"));
  EXPECT_THAT(error, testing::HasSubstr(":2: rules[0].port: value 70000: expected a whole number"));
  EXPECT_THAT(error, testing::HasSubstr(":3: rules[1].host: value x: "));
  EXPECT_THAT(error_of("rules:\n- label: a\n"), testing::HasSubstr("rules[0].host: missing"));
  EXPECT_THAT(error_of("{}"), testing::HasSubstr("rules: missing"));
}

}  // namespace
}  // namespace flowmark
