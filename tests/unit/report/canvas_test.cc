#include "report/canvas.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace flowmark {
namespace {

/// Pixels that are not white.
uint32_t inked(const Canvas& canvas) {
  uint32_t count = 0;
  for (uint32_t y = 0; y < canvas.height(); ++y) {
    for (uint32_t x = 0; x < canvas.width(); ++x) {
      count += canvas.at(x, y) < 255 ? 1 : 0;
    }
  }
  return count;
}

TEST(Canvas, RefusesSidesOfNothingAndTooLargeOnes) {
  EXPECT_THROW(Canvas(0, 5), Error);
  EXPECT_THROW(Canvas(5, Canvas::kMaxSide + 1), Error);
  EXPECT_THROW(Canvas(5, 5).at(5, 0), Error);
}

TEST(Canvas, CellsAreSharpSquares) {
  Canvas canvas(10, 10);
  const std::vector<uint8_t> greys = {0, 100, 200, 255, 50, 150};
  canvas.cells(2, 1, greys, 3, 2);
  for (uint32_t y = 0; y < 4; ++y) {
    for (uint32_t x = 0; x < 6; ++x) {
      EXPECT_EQ(canvas.at(2 + x, 1 + y), greys[y / 2 * 3 + x / 2]) << x << ", " << y;
    }
  }
  EXPECT_EQ(inked(canvas), 5U * 4);
}

TEST(Canvas, AFrameIsOnePixelAroundTheRectangle) {
  Canvas canvas(10, 10);
  canvas.frame(3, 3, 4, 5, 160);
  EXPECT_EQ(canvas.at(2, 2), 160);
  EXPECT_EQ(canvas.at(7, 8), 160);
  EXPECT_EQ(canvas.at(3, 3), 255);
  EXPECT_EQ(inked(canvas), 6U * 7 - 4 * 5);
}

TEST(Canvas, WhatLiesOutsideIsNotDrawn) {
  Canvas canvas(4, 4);
  canvas.fill(3, 3, 100, 100, 0);
  EXPECT_EQ(inked(canvas), 1U);
}

TEST(Canvas, TextKeepsToItsRoom) {
  for (const bool upwards : {false, true}) {
    for (const uint32_t font_px : {10U, 15U, 20U}) {
      const std::string words = "Wgjy 100ms (bytes)";
      const Canvas::TextSize size = Canvas::text_size(words, font_px);
      constexpr uint32_t kAround = 30;
      const uint32_t width = upwards ? size.height : size.width;
      const uint32_t height = upwards ? size.width : size.height;
      Canvas canvas(width + 2 * kAround, height + 2 * kAround);
      if (upwards) {
        canvas.text_up(kAround, kAround, words, font_px);
      } else {
        canvas.text(kAround, kAround, words, font_px);
      }
      EXPECT_GT(inked(canvas), 50U);
      canvas.fill(kAround - 1, kAround - 1, width + 2, height + 2, 255);
      EXPECT_EQ(inked(canvas), 0U) << font_px << (upwards ? " upwards" : "");
    }
  }
}

TEST(Canvas, LargerFontsTakeMoreRoomAndTextsOneHeight) {
  EXPECT_GT(Canvas::text_size("word", 20).width, Canvas::text_size("word", 10).width);
  EXPECT_EQ(Canvas::text_size("aaa", 10).height, Canvas::text_size("WgÄ", 10).height);
  EXPECT_EQ(Canvas::text_size("", 10).width, 0U);
}

TEST(Canvas, BytesThatAreNoTextAreDrawnAsQuestionMarks) {
  EXPECT_EQ(Canvas::text_size("a\xff\n", 10).width, Canvas::text_size("a??", 10).width);
  Canvas canvas(60, 20);
  canvas.text(1, 1, "a\xff\n", 10);
  Canvas marks(60, 20);
  marks.text(1, 1, "a??", 10);
  EXPECT_EQ(canvas.png(), marks.png());
}

}  // namespace
}  // namespace flowmark
