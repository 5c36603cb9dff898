#include "report/image.h"

#include <png.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"

namespace flowmark {
namespace {

/// A letter, from the top, five bits a row, the leftmost the highest.
struct Glyph {
  char letter;
  uint8_t rows[7];
};

constexpr Glyph kGlyphs[] = {
    {'A', {14, 17, 17, 31, 17, 17, 17}}, {'B', {30, 17, 17, 30, 17, 17, 30}},
    {'C', {14, 17, 16, 16, 16, 17, 14}}, {'D', {30, 17, 17, 17, 17, 17, 30}},
    {'E', {31, 16, 16, 30, 16, 16, 31}}, {'F', {31, 16, 16, 30, 16, 16, 16}},
    {'G', {14, 17, 16, 19, 17, 17, 14}}, {'H', {17, 17, 17, 31, 17, 17, 17}},
    {'I', {14, 4, 4, 4, 4, 4, 14}},      {'J', {7, 2, 2, 2, 2, 18, 12}},
    {'K', {17, 18, 20, 24, 20, 18, 17}}, {'L', {16, 16, 16, 16, 16, 16, 31}},
    {'M', {17, 27, 21, 21, 17, 17, 17}}, {'N', {17, 25, 21, 21, 19, 17, 17}},
    {'O', {14, 17, 17, 17, 17, 17, 14}}, {'P', {30, 17, 17, 30, 16, 16, 16}},
    {'Q', {14, 17, 17, 17, 21, 18, 13}}, {'R', {30, 17, 17, 30, 20, 18, 17}},
    {'S', {15, 16, 16, 14, 1, 1, 30}},   {'T', {31, 4, 4, 4, 4, 4, 4}},
    {'U', {17, 17, 17, 17, 17, 17, 14}}, {'V', {17, 17, 17, 17, 17, 10, 4}},
    {'W', {17, 17, 17, 21, 21, 27, 17}}, {'X', {17, 17, 10, 4, 10, 17, 17}},
    {'Y', {17, 17, 10, 4, 4, 4, 4}},     {'Z', {31, 1, 2, 4, 8, 16, 31}},
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 6, 8, 16, 31}},    {'3', {30, 1, 1, 14, 1, 1, 30}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
    {' ', {0, 0, 0, 0, 0, 0, 0}},        {'-', {0, 0, 0, 14, 0, 0, 0}},
    {'.', {0, 0, 0, 0, 0, 12, 12}},      {',', {0, 0, 0, 0, 12, 4, 8}},
    {':', {0, 12, 12, 0, 12, 12, 0}},    {'/', {1, 1, 2, 4, 8, 16, 16}},
    {'|', {4, 4, 4, 4, 4, 4, 4}},        {'_', {0, 0, 0, 0, 0, 0, 31}},
    {'(', {2, 4, 8, 8, 8, 4, 2}},        {')', {8, 4, 2, 2, 2, 4, 8}},
    {'+', {0, 4, 4, 31, 4, 4, 0}},       {'=', {0, 0, 31, 0, 31, 0, 0}},
    {'%', {24, 25, 2, 4, 8, 19, 3}},     {'>', {8, 4, 2, 1, 2, 4, 8}},
    {'<', {2, 4, 8, 16, 8, 4, 2}},       {'*', {0, 21, 14, 31, 14, 21, 0}},
};
constexpr Glyph kUnknown = {'?', {31, 17, 17, 17, 17, 17, 31}};

const Glyph& glyph(char letter) {
  const char capital =
      letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  for (const Glyph& candidate : kGlyphs) {
    if (candidate.letter == capital) {
      return candidate;
    }
  }
  return kUnknown;
}

}  // namespace

Image::Image(uint32_t width, uint32_t height) : width_(width), height_(height) {
  if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide) {
    fail("a picture of {} x {} pixels: must be 1 to {} each way", width, height, kMaxSide);
  }
  pixels_.assign(size_t{width} * height, 255);
}

void Image::set(uint32_t x, uint32_t y, uint8_t grey) noexcept {
  if (x < width_ && y < height_) {
    pixels_[size_t{y} * width_ + x] = grey;
  }
}

void Image::darken(uint32_t x, uint32_t y, uint8_t grey) noexcept {
  if (x < width_ && y < height_ && pixels_[size_t{y} * width_ + x] > grey) {
    pixels_[size_t{y} * width_ + x] = grey;
  }
}

void Image::fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey) noexcept {
  for (uint32_t row = y; row < y + height; ++row) {
    for (uint32_t column = x; column < x + width; ++column) {
      set(column, row, grey);
    }
  }
}

void Image::frame(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey) noexcept {
  fill(x - 1, y - 1, width + 2, 1, grey);
  fill(x - 1, y + height, width + 2, 1, grey);
  fill(x - 1, y, 1, height, grey);
  fill(x + width, y, 1, height, grey);
}

namespace {

/// Calls dot(column, row) for each black dot of a line of text.
template <typename Dot>
void for_each_dot(std::string_view text, Dot dot) {
  uint32_t left = 0;
  for (const char letter : text) {
    const Glyph& shape = glyph(letter);
    for (uint32_t row = 0; row < 7; ++row) {
      for (uint32_t column = 0; column < 5; ++column) {
        if ((shape.rows[row] >> (4 - column)) & 1) {
          dot(left + column, row);
        }
      }
    }
    left += Image::kTextWidth;
  }
}

}  // namespace

void Image::text(uint32_t x, uint32_t y, std::string_view text, uint32_t scale) noexcept {
  for_each_dot(text, [&](uint32_t column, uint32_t row) {
    fill(x + column * scale, y + row * scale, scale, scale, 0);
  });
}

void Image::text_up(uint32_t x, uint32_t y, std::string_view text, uint32_t scale) noexcept {
  for_each_dot(text, [&](uint32_t column, uint32_t row) {
    fill(x + row * scale, y - (column + 1) * scale, scale, scale, 0);
  });
}

std::string Image::png() const {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = width_;
  png.height = height_;
  png.format = PNG_FORMAT_GRAY;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(png), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, pixels_.data(), 0, nullptr) == 0) {
    fail("a picture of {} x {} pixels cannot be coded as PNG: {}", width_, height_, png.message);
  }
  bytes.resize(size);
  return bytes;
}

void Image::write_png(const std::filesystem::path& path) const {
  std::filesystem::path temporary = path;
  temporary += ".part" + std::to_string(getpid());
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = width_;
  png.height = height_;
  png.format = PNG_FORMAT_GRAY;
  if (png_image_write_to_file(&png, temporary.c_str(), 0, pixels_.data(), 0, nullptr) == 0) {
    const std::string reason = png.message;
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    fail("{}: cannot be written: {}", path.string(), reason);
  }
  std::filesystem::rename(temporary, path);
}

}  // namespace flowmark
