#include "report/sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using ::testing::HasSubstr;

TEST(ReportSets, ShowsWhatSetsWereTakenForAndHowReliably) {
  ExampleInfo info;
  info.prefix = ExampleInfo::kTile;
  SetEvaluation evaluation({"chat", "voip"}, {{10, 0}}, {0.5F, 0.25F});
  evaluation.add_flow(3, std::vector<Answer>{{info, {0.9F, 0.3F}}});
  evaluation.add_flow(1, std::vector<Answer>{{info, {0.9F, 0.4F}}});
  HtmlReport report("t", "s");
  report_sets(report, evaluation, {100, 0.95, 1});
  const std::string page = report.html();
  EXPECT_THAT(page, HasSubstr("most often taken for"));
  EXPECT_THAT(page, HasSubstr("Reliability: all labels"));
}

}  // namespace
}  // namespace flowmark
