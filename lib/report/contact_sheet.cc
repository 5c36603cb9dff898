#include "report/contact_sheet.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr uint32_t kMargin = 12;

/// "tcp 10.0.0.1:443 ... down 3, 512 packets", the name cut where it is too long.
std::string caption(const SheetEntry& entry, size_t letters) {
  const std::string tail = fmt::format(" {} {}, {} packets", to_string(entry.window.side),
                                       entry.window.number, entry.window.packets);
  if (letters <= tail.size()) {
    return entry.flow.substr(0, letters);
  }
  return entry.flow.substr(0, letters - tail.size()) + tail;
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

Image ContactSheet::draw(const SheetOptions& options) const {
  if (rows_.empty()) {
    fail("a contact sheet without windows");
  }
  const uint32_t scale = options.style.text_scale;
  const uint32_t line = (Image::kTextHeight + 4) * scale;
  const DrawnSize one = drawn_size(spec_, options.style);
  const uint32_t cell_width = one.width + kMargin;
  const uint32_t row_height = 2 * line + 6 * scale + one.height + kMargin;
  const uint32_t top = kMargin + (options.title.empty() ? 0 : line + kMargin / 2);
  size_t columns = 0;
  size_t widest = Image::text_width(options.title, scale);
  for (const auto& [name, row] : rows_) {
    columns = std::max(columns, row.entries.size());
    widest = std::max<size_t>(widest, Image::text_width(name, scale + 1));
  }
  const uint64_t width = kMargin + std::max<uint64_t>(columns * cell_width, widest + kMargin);
  const uint64_t height = top + uint64_t{row_height} * rows_.size();
  if (width > Image::kMaxSide || height > Image::kMaxSide) {
    fail("a sheet of {} x {} pixels: at most {} each way (fewer windows a row, or a smaller side)",
         width, height, Image::kMaxSide);
  }
  Image image(static_cast<uint32_t>(width), static_cast<uint32_t>(height));
  image.text(kMargin, kMargin, options.title, scale);
  uint32_t y = top;
  for (const auto& [name, row] : rows_) {
    image.text(kMargin, y, name, scale + 1);
    uint32_t x = kMargin;
    for (const SheetEntry& entry : row.entries) {
      const uint32_t picture = y + line + 6 * scale;
      draw_window(spec_, entry.window.features, options.style, x, picture, image);
      image.text(x, picture + one.height + 3,
                 caption(entry, one.width / (Image::kTextWidth * scale)), scale);
      x += cell_width;
    }
    y += row_height;
  }
  return image;
}

}  // namespace flowmark
