#include "report/contact_sheet.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr uint32_t kMargin = 12;   // around a window
constexpr uint32_t kWordsGap = 3;  // between a window and its words

/// The words without their last letter (UTF-8).
void drop_letter(std::string& words) {
  while (!words.empty() && (static_cast<uint8_t>(words.back()) & 0xc0) == 0x80) {
    words.pop_back();
  }
  if (!words.empty()) {
    words.pop_back();
  }
}

/// "tcp 10.0.0.1:443 ... down 3, 512 packets": of a flow's name as much as the width has room for.
std::string caption(const SheetEntry& entry, uint32_t width, uint32_t font_px) {
  const OfflineWindow& window = entry.window;
  const std::string tail =
      fmt::format(" {} {}, {} packets", to_string(window.side), window.number, window.packets);
  std::string name = entry.flow;
  while (!name.empty() && Canvas::text_size(name + tail, font_px).width > width) {
    drop_letter(name);
  }
  std::string words = name + tail;
  while (Canvas::text_size(words, font_px).width > width) {
    drop_letter(words);
  }
  return words;
}

}  // namespace

ContactSheet::ContactSheet(const FeatureSpec& spec, uint32_t per_row, uint64_t seed)
    : spec_(spec), per_row_(per_row), random_(seed) {
  if (per_row == 0) {
    fail("a contact sheet with rows of 0 windows: must be 1 or more");
  }
}

void ContactSheet::add(const std::string& name, SheetEntry entry) {
  Row& row = rows_[name];
  ++row.seen;
  if (row.entries.size() < per_row_) {
    row.entries.push_back(std::move(entry));
    return;
  }
  // Each of those seen so far has the same chance to be among the kept (Vitter 1985, algorithm R).
  const uint64_t place = random_() % row.seen;
  if (place < per_row_) {
    row.entries[place] = std::move(entry);
  }
}

Canvas ContactSheet::draw(const SheetOptions& options) const {
  if (rows_.empty()) {
    fail("a contact sheet without windows");
  }
  const uint32_t font = options.style.font_px;
  const uint32_t heading_font = font * 3 / 2;
  const uint32_t line = Canvas::text_size("0", font).height;
  const uint32_t heading = Canvas::text_size("0", heading_font).height;
  const DrawnSize one = drawn_size(spec_, options.style);
  const uint32_t cell_width = one.width + kMargin;
  const uint32_t row_height = heading + kWordsGap + one.height + kWordsGap + line + kMargin;
  const uint32_t top = kMargin + (options.title.empty() ? 0 : line + kMargin / 2);
  size_t columns = 0;
  uint32_t widest = Canvas::text_size(options.title, font).width;
  for (const auto& [name, row] : rows_) {
    columns = std::max(columns, row.entries.size());
    widest = std::max(widest, Canvas::text_size(name, heading_font).width);
  }
  const uint64_t width = kMargin + std::max<uint64_t>(columns * cell_width, widest + kMargin);
  const uint64_t height = top + uint64_t{row_height} * rows_.size();
  if (width > Canvas::kMaxSide || height > Canvas::kMaxSide) {
    fail("a sheet of {} x {} pixels: at most {} each way (fewer windows a row, or a smaller side)",
         width, height, Canvas::kMaxSide);
  }
  Canvas canvas(static_cast<uint32_t>(width), static_cast<uint32_t>(height));
  canvas.text(kMargin, kMargin, options.title, font);
  uint32_t y = top;
  for (const auto& [name, row] : rows_) {
    canvas.text(kMargin, y, name, heading_font);
    uint32_t x = kMargin;
    for (const SheetEntry& entry : row.entries) {
      const uint32_t window = y + heading + kWordsGap;
      draw_window(spec_, entry.window.features, options.style, x, window, canvas);
      canvas.text(x, window + one.height + kWordsGap, caption(entry, one.width, font), font);
      x += cell_width;
    }
    y += row_height;
  }
  return canvas;
}

}  // namespace flowmark
