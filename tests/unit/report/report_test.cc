#include "report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/plot.h"

namespace flowmark {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HtmlReport, TextsAreEscaped) {
  HtmlReport report("<script>", "a & b");
  report.section("\"quoted\"");
  report.paragraph("<img src=x>");
  report.table({"cap <b>", {"h<1>"}, {{"<i>"}}, 1});
  const std::string html = report.html();
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("a &amp; b"));
  for (const char* raw : {"<script>", "<img src=x>", "<b>", "<i>", "h<1>"}) {
    EXPECT_THAT(html, Not(HasSubstr(raw)));
  }
}

TEST(HtmlReport, NeedsNothingFromElsewhere) {
  HtmlReport report("t");
  report.section("s");
  report.gallery({{"Man", "what is seen", "caption"}, {"Ma", "second", ""}, {"M", "third", ""}});
  LinePlot plot;
  plot.title = "curve";
  plot.series = {{"one", {{1, 0.5, 0.4, 0.6}, {2, 0.75, 0.7, 0.8}}}};
  report.figure(svg_line_plot(plot), "a curve");
  std::string html = report.html();
  // RFC 4648, 4: "Man" is TWFu; one and two bytes are padded.
  EXPECT_THAT(html, HasSubstr("data:image/png;base64,TWFu\" alt=\"what is seen\""));
  EXPECT_THAT(html, HasSubstr("base64,TWE=\""));
  EXPECT_THAT(html, HasSubstr("base64,TQ==\""));
  const std::string name_space = "http://www.w3.org/2000/svg";  // a name, nothing is fetched
  for (size_t at; (at = html.find(name_space)) != std::string::npos;) {
    html.erase(at, name_space.size());
  }
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(html, HasSubstr("lang=\"en\""));
}

TEST(HtmlReport, AFileThatCannotBeWrittenIsNamed) {
  try {
    HtmlReport("t").write("/nowhere/at/all.html");
    FAIL() << "wrote it";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/at/all.html"));
  }
}

TEST(Plot, SaysWhatItShows) {
  LinePlot plot;
  plot.title = "Early & late";
  plot.x_title = "packets";
  plot.y_title = "share right";
  plot.log_x = true;
  plot.series = {{"accuracy", {{10, 0.5, 0.5, 0.5}, {1000, 0.9, 0.9, 0.9}}}};
  const std::string svg = svg_line_plot(plot);
  EXPECT_THAT(svg, HasSubstr("<title>Early &amp; late</title>"));
  EXPECT_THAT(svg, HasSubstr("accuracy: 50% at 10; 90% at 1000"));
  EXPECT_THAT(svg, HasSubstr("role=\"img\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("polygon"))) << "a band without intervals";
}

TEST(Plot, EmptyAndSinglePointPlotsAreDrawn) {
  LinePlot plot;
  plot.title = "nothing";
  EXPECT_THAT(svg_line_plot(plot), Not(HasSubstr("nan")));
  plot.series = {{"one", {{3, 1, 0, 0}}}};
  for (const bool log_x : {false, true}) {
    plot.log_x = log_x;
    const std::string svg = svg_line_plot(plot);
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

TEST(Plot, ConfusionHasCountsAndShares) {
  Confusion confusion({"chat", "video"});
  confusion.add(0, 0, 3);
  confusion.add(0, 1, 1);
  confusion.add(1, 1, 8);
  const std::string svg = svg_confusion(confusion, "Confusion");
  EXPECT_THAT(svg, HasSubstr("chat taken for video: 1 of 4"));
  EXPECT_THAT(svg, HasSubstr(">75.0%<"));
  EXPECT_THAT(svg, HasSubstr(">8<"));
  EXPECT_THAT(standalone_svg(svg), HasSubstr("--ink: #"));
}

TEST(Plot, ComparisonShowsBothFigures) {
  const std::string svg =
      svg_comparison({{"plain", 0.9, 0.8, 0.95, true, 0.85}, {"tor", 0.5, 0.5, 0.5, false, 0}},
                     "Against the paper");
  EXPECT_THAT(svg, HasSubstr("plain: ours 90.0%, published 85.0%"));
  EXPECT_THAT(svg, HasSubstr("tor: ours 50.0%."));
  EXPECT_THAT(svg, HasSubstr("<title>published 85.0%</title>"));
}

TEST(DotPlots, SayEveryFigureAndChance) {
  DotPlot plot;
  plot.title = "The board";
  plot.series = {"model", "neighbours", "early"};
  plot.rows = {{"home & office", {0.9, 0.4, 0.5}}};
  plot.chance = 0.25;
  const std::string svg = svg_dots(plot);
  EXPECT_THAT(svg, HasSubstr("home &amp; office: model 90.0%, neighbours 40.0%, early 50.0%. "
                             "Chance: 25.0%."));
  EXPECT_THAT(svg, HasSubstr("<title>neighbours 40.0%</title>"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
}

}  // namespace
}  // namespace flowmark
