#include "report/draw_window.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "report/contact_sheet.h"
#include "report/draw_panel.h"

namespace flowmark {
namespace {

FeatureSpec picture(uint32_t bins) {
  return flowpic({60 * kUsPerSecond, bins, bins, 1500});
}

TEST(DrawWindow, AFlowPicHasTimeToTheRightAndSizeUpwards) {
  const FeatureSpec spec = picture(32);
  DrawStyle style{64, false, 1};
  const DrawnSize size = drawn_size(spec, style);
  ASSERT_EQ(size.width, 66U);  // two pixels a cell, and a frame
  Image image(size.width, size.height);
  const SparseWindow one = {{5 * 32 + 7, 3}};  // sixth size, eighth column
  draw_window(spec, one, style, 0, 0, image);
  EXPECT_EQ(image.at(1 + 2 * 7, 1 + 64 - 2 * 6), 0);
  EXPECT_EQ(image.at(1 + 2 * 7 + 1, 1 + 64 - 2 * 6 + 1), 0);
  EXPECT_EQ(image.at(1 + 2 * 8, 1 + 64 - 2 * 6), 255);
}

TEST(DrawWindow, MoreIsDarkerAndOneIsSeen) {
  const FeatureSpec spec = picture(32);
  Image image(40, 40);
  draw_window(spec, SparseWindow{{0, 1}, {1, 10}, {2, 100}}, {32, false, 1}, 0, 0, image);
  const uint32_t row = 1 + 31;
  EXPECT_LT(image.at(1, row), 200);
  EXPECT_LT(image.at(2, row), image.at(1, row));
  EXPECT_LT(image.at(3, row), image.at(2, row));
}

TEST(DrawWindow, UpstreamIsAboveAndLargerSizesOutwards) {
  const FeatureSpec spec = histogram({.kind = HistogramKind::size_iat});
  const DrawStyle style{60, false, 1};
  const DrawnSize size = drawn_size(spec, style);
  Image image(size.width, size.height);
  const uint32_t columns = histogram_of(spec).iat_us.bins;
  const uint32_t bins = histogram_of(spec).size.bins;
  // Largest size upstream, largest size downstream, both in the first column.
  draw_window(spec, SparseWindow{{(bins - 1) * columns, 1}, {(2 * bins - 1) * columns, 1}}, style,
              0, 0, image);
  EXPECT_LT(image.at(1, 1), 255);
  EXPECT_LT(image.at(1, size.height - 2), 255);
  EXPECT_EQ(image.at(1, size.height / 2), 255);
}

TEST(DrawWindow, AxesMarkSecondsBytesAndDecades) {
  FeatureSpec spec = picture(1500);
  const Panel pic = panels_of(spec)[0];
  const auto seconds = time_ticks(spec, pic, 600, 1);
  ASSERT_GE(seconds.size(), 4U);
  EXPECT_EQ(seconds.front().label, "0");
  for (const Tick& tick : seconds) {
    EXPECT_NEAR(tick.place, std::stod(tick.label) * 10, 1);  // 600 pixels are 60 s
  }
  const auto bytes = size_ticks(spec, pic, 750, 1);
  for (const Tick& tick : bytes) {
    EXPECT_NEAR(tick.place, std::stod(tick.label) / 2, 1);
  }
  spec = histogram({.kind = HistogramKind::size_iat});
  const Panel sizes = panels_of(spec)[0];
  const auto gaps = time_ticks(spec, sizes, 700, 1);  // 1 us to 10 s: seven decades
  ASSERT_EQ(gaps.size(), 8U);
  EXPECT_EQ(gaps[3].label, "1ms");
  EXPECT_NEAR(gaps[3].place, 300, 1);
  const auto signed_sizes = size_ticks(spec, sizes, 320, 1);
  EXPECT_EQ(signed_sizes[0].label, "+100");
  EXPECT_EQ(signed_sizes[1].label, "-100");
  EXPECT_EQ(signed_sizes[0].place + signed_sizes[1].place, 320U);
}

TEST(DrawWindow, MarksStayApartOnSmallPictures) {
  const FeatureSpec spec = picture(32);
  const Panel panel = panels_of(spec)[0];
  for (const uint32_t width : {16U, 50U, 200U, 1000U}) {
    const auto ticks = time_ticks(spec, panel, width, 1);
    for (size_t i = 1; i < ticks.size(); ++i) {
      EXPECT_GE(ticks[i].place - ticks[i - 1].place,
                std::min(width / 2, Image::text_width(ticks[i].label)));
    }
  }
}

TEST(DrawWindow, APngInMemory) {
  const std::string png = window_png(picture(32), SparseWindow{{3, 1}}, {});
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(png.size() - 8, 4), "IEND");
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
  const Image image = sheet.draw({"title", {}});
  const DrawnSize one = drawn_size(picture(32), {});
  EXPECT_GE(image.width(), 4 * one.width);
  EXPECT_GE(image.height(), 2 * one.height);
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
