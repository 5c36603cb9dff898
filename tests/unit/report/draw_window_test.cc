#include "report/draw_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "report/axis_ticks.h"
#include "report/contact_sheet.h"
#include "report/draw_axes.h"

namespace flowmark {
namespace {

FeatureSpec picture(uint32_t bins) {
  return flowpic({60 * kUsPerSecond, bins, bins, 1500});
}

TEST(DrawWindow, AFlowPicHasTimeToTheRightAndSizeUpwards) {
  const FeatureSpec spec = picture(32);
  DrawStyle style{64, false, 10};
  const DrawnSize size = drawn_size(spec, style);
  ASSERT_EQ(size.width, 66U);  // two pixels a cell, and a frame
  Canvas image(size.width, size.height);
  const SparseWindow one = {{5 * 32 + 7, 3}};  // sixth size, eighth column
  draw_window(spec, one, style, 0, 0, image);
  EXPECT_EQ(image.at(1 + 2 * 7, 1 + 64 - 2 * 6), 0);
  EXPECT_EQ(image.at(1 + 2 * 7 + 1, 1 + 64 - 2 * 6 + 1), 0);
  EXPECT_EQ(image.at(1 + 2 * 8, 1 + 64 - 2 * 6), 255);
}

TEST(DrawWindow, MoreIsDarkerAndOneIsSeen) {
  const FeatureSpec spec = picture(32);
  Canvas image(40, 40);
  draw_window(spec, SparseWindow{{0, 1}, {1, 10}, {2, 100}}, {32, false, 10}, 0, 0, image);
  const uint32_t row = 1 + 31;
  EXPECT_LT(image.at(1, row), 200);
  EXPECT_LT(image.at(2, row), image.at(1, row));
  EXPECT_LT(image.at(3, row), image.at(2, row));
}

TEST(DrawWindow, UpstreamIsAboveAndLargerSizesOutwards) {
  const FeatureSpec spec = histogram({.kind = HistogramKind::size_iat});
  const DrawStyle style{60, false, 10};
  const DrawnSize size = drawn_size(spec, style);
  Canvas image(size.width, size.height);
  const uint32_t columns = histogram_of(spec).iat_us.bins;
  const uint32_t bins = histogram_of(spec).size.bins;
  // Largest size upstream, largest size downstream, both in the first column.
  draw_window(spec, SparseWindow{{(bins - 1) * columns, 1}, {(2 * bins - 1) * columns, 1}}, style,
              0, 0, image);
  EXPECT_LT(image.at(1, 1), 255);
  EXPECT_LT(image.at(1, size.height - 2), 255);
  EXPECT_EQ(image.at(1, size.height / 2), 255);
}

TEST(DrawWindow, APictureOfManyCellsKeepsTheDarkest) {
  const FeatureSpec spec = picture(64);
  Canvas image(34, 34);
  draw_window(spec, SparseWindow{{2, 1}, {3, 100}}, {32, false, 10}, 0, 0, image);
  EXPECT_EQ(image.at(1 + 1, 1 + 31), 0);
  EXPECT_EQ(image.at(1 + 2, 1 + 31), 255);
}

TEST(AxisTicks, SecondsAndBytesArePlainNumbers) {
  const Panel pic = picture(1500).panels()[0];
  const auto seconds = axis_ticks(pic.x, 600, 36);
  ASSERT_GE(seconds.size(), 4U);
  EXPECT_EQ(seconds.front().label, "0");
  for (const Tick& tick : seconds) {
    EXPECT_NEAR(tick.place, std::stod(tick.label) * 10, 1);  // 600 pixels are 60 s
  }
  const auto bytes = axis_ticks(pic.y, 750, 16);
  ASSERT_GE(bytes.size(), 4U);
  for (const Tick& tick : bytes) {
    EXPECT_NEAR(tick.place, std::stod(tick.label) / 2, 1);
  }
}

TEST(AxisTicks, ALinearAxisMayBeginAnywhere) {
  const PanelAxis axis{"", PanelAxis::Scale::linear, PanelAxis::Unit::seconds, 15, 35, false};
  const auto ticks = axis_ticks(axis, 200, 100);
  ASSERT_EQ(ticks.size(), 2U);
  EXPECT_EQ(ticks[0].label, "20");
  EXPECT_EQ(ticks[0].place, 50U);
  EXPECT_EQ(ticks[1].label, "30");
}

TEST(AxisTicks, DecadesCarryTheirUnit) {
  const FeatureSpec spec = histogram({.kind = HistogramKind::size_iat});
  const Panel sizes = spec.panels()[0];
  const auto gaps = axis_ticks(sizes.x, 700, 36);  // 1 us to 10 s: seven decades
  ASSERT_EQ(gaps.size(), 8U);
  EXPECT_EQ(gaps[0].label, "1us");
  EXPECT_EQ(gaps[3].label, "1ms");
  EXPECT_NEAR(gaps[3].place, 300, 1);
  const auto signed_sizes = axis_ticks(sizes.y, 320, 16);
  EXPECT_EQ(signed_sizes[0].label, "+100");
  EXPECT_EQ(signed_sizes[1].label, "-100");
  EXPECT_EQ(signed_sizes[0].place + signed_sizes[1].place, 320U);
}

bool overlap(const PlacedText& a, const PlacedText& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/// Where words are drawn on a canvas that has just enough room.
struct Layout {
  const char* kind;
  uint32_t side;
  uint32_t font_px;
};

class AxesOf : public testing::TestWithParam<Layout> {};

TEST_P(AxesOf, NoTextIsCutOrTouchesAnother) {
  const FeatureSpec spec =
      FeatureSpec::from_json(std::string(R"({"kind":")") + GetParam().kind + "\"}", "test");
  for (const Panel& panel : spec.panels()) {
    const PanelScale scale = scale_of(panel, GetParam().side);
    const PanelAxes axes = axes_of(panel, scale, GetParam().font_px);
    const PanelMargins& room = axes.margins;
    EXPECT_FALSE(axes.x_marks.empty());
    EXPECT_FALSE(axes.y_marks.empty());
    for (size_t i = 0; i < axes.texts.size(); ++i) {
      const PlacedText& text = axes.texts[i];
      EXPECT_GE(text.x, -int64_t{room.left}) << text.words;
      EXPECT_GE(text.y, -int64_t{room.top}) << text.words;
      EXPECT_LE(text.x + text.width, int64_t{scale.width} + room.right) << text.words;
      EXPECT_LE(text.y + text.height, int64_t{scale.height} + room.bottom) << text.words;
      for (size_t j = 0; j < i; ++j) {
        EXPECT_FALSE(overlap(text, axes.texts[j])) << text.words << ", " << axes.texts[j].words;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sides, AxesOf,
                         testing::Values(Layout{"flowpic", 64, 10}, Layout{"flowpic", 200, 10},
                                         Layout{"flowpic", 1000, 20}, Layout{"combined", 64, 10},
                                         Layout{"combined", 120, 10}, Layout{"combined", 200, 10},
                                         Layout{"combined", 1000, 20}));

TEST(AxesOf, TitlesNameTheAxesWhereThereIsRoom) {
  const Panel panel = picture(32).panels()[0];
  const auto titles = [&](uint32_t side) {
    std::string words;
    for (const PlacedText& text : axes_of(panel, scale_of(panel, side), 10).texts) {
      words += text.words + (text.upwards ? "^" : "") + ";";
    }
    return words;
  };
  EXPECT_NE(titles(200).find("arrival time (s);"), std::string::npos);
  EXPECT_NE(titles(200).find("IP packet size (bytes)^;"), std::string::npos);
  EXPECT_EQ(titles(32).find("IP packet size"), std::string::npos);
}

TEST(DrawWindow, WordsAreDrawnInTheMargins) {
  const FeatureSpec spec = picture(32);
  const DrawStyle style{200, true, 10};
  const DrawnSize size = drawn_size(spec, style);
  Canvas image(size.width, size.height);
  draw_window(spec, SparseWindow{{3, 1}}, style, 0, 0, image);
  const PanelScale scale = scale_of(spec.panels()[0], style.side);
  const PanelMargins room = axes_of(spec.panels()[0], scale, style.font_px).margins;
  const auto darkest = [&](uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    uint8_t least = 255;
    for (uint32_t i = 0; i < width * height; ++i) {
      least = std::min(least, image.at(x + i % width, y + i / width));
    }
    return least;
  };
  EXPECT_LT(darkest(0, 0, room.left - 5, size.height), 128);
  EXPECT_LT(darkest(0, size.height - room.bottom + 5, size.width, room.bottom - 5), 128);
}

TEST(DrawWindow, APngInMemory) {
  const std::string png = window_png(picture(32), SparseWindow{{3, 1}}, {});
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(png.size() - 8, 4), "IEND");
}

TEST(DrawWindow, TheSameWindowIsTheSameFile) {
  const SparseWindow window{{3, 1}, {40, 9}};
  EXPECT_EQ(window_png(picture(32), window, {}), window_png(picture(32), window, {}));
}

SheetEntry entry(uint32_t number) {
  SheetEntry entry{"flow " + std::to_string(number), {}};
  entry.window.number = number;
  entry.window.features = {{number, 1}};
  return entry;
}

TEST(ContactSheet, RowsAreSamplesOfAllThatCame) {
  ContactSheet sheet(picture(32), 4, 11);
  ContactSheet again(picture(32), 4, 11);
  for (uint32_t i = 0; i < 100; ++i) {
    sheet.add("voip", entry(i));
    again.add("voip", entry(i));
  }
  sheet.add("chat", entry(1));
  const auto& row = sheet.rows().at("voip");
  EXPECT_EQ(row.seen, 100U);
  ASSERT_EQ(row.entries.size(), 4U);
  uint32_t late = 0;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(row.entries[i].flow, again.rows().at("voip").entries[i].flow);
    late += row.entries[i].window.number >= 4 ? 1 : 0;
  }
  EXPECT_GT(late, 0U) << "only the first ones";
  const Canvas image = sheet.draw({"title", {}});
  const DrawnSize one = drawn_size(picture(32), {});
  EXPECT_GE(image.width(), 4 * one.width);
  EXPECT_GE(image.height(), 2 * one.height);
}

TEST(ContactSheet, NamesOfAnyBytesAndLengthAreDrawn) {
  ContactSheet sheet(picture(32), 1, 1);
  SheetEntry odd = entry(1);
  odd.flow = std::string(500, 'x') + "\xc3\xa4\xff";
  sheet.add("caf\xc3\xa9 \xff", std::move(odd));
  const Canvas image = sheet.draw({"title", {}});
  const DrawnSize one = drawn_size(picture(32), {});
  EXPECT_LE(image.width(), one.width + 24) << "a long name does not widen the sheet";
  EXPECT_EQ(image.png().substr(1, 3), "PNG");
}

TEST(ContactSheet, RefusesWhatIsNoPicture) {
  ContactSheet sheet(picture(32), 2, 1);
  EXPECT_THROW(sheet.draw({}), Error);
  EXPECT_THROW(ContactSheet(picture(32), 0, 1), Error);
  for (uint32_t i = 0; i < 60; ++i) {
    sheet.add("class " + std::to_string(i), entry(0));
  }
  SheetOptions large;
  large.style.side = 1000;
  EXPECT_THROW(sheet.draw(large), Error);
}

}  // namespace
}  // namespace flowmark
