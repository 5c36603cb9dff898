#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/plot.h"
#include "report/svg.h"

namespace flowmark {
namespace {

constexpr double kDotLetter = 7;  // pixels, about
constexpr double kDotStep = 22;   // from row to row
constexpr double kDotTop = 58;
constexpr double kDotScale = 4;  // pixels a percent

/// Series differ by form as well as by colour: a disc, a square, a diamond, a ring.
std::string mark(size_t series, double x, double y, const std::string& words) {
  const std::string tail = fmt::format("<title>{}</title>", escape_html(words));
  switch (series % 4) {
    case 0:
      return fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" style=\"fill:var(--s0)\">{}</circle>\n", x,
          y, tail);
    case 1:
      return fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"8\" height=\"8\" "
          "style=\"fill:none;stroke:var(--s1);stroke-width:2\">{}</rect>\n",
          x - 4, y - 4, tail);
    case 2:
      return fmt::format(
          "<path d=\"M{:.1f} {:.1f}l5 5l-5 5l-5 -5z\" style=\"fill:var(--s2)\">{}</path>\n", x,
          y - 5, tail);
    default:
      return fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" "
          "style=\"fill:none;stroke:var(--s3);stroke-width:2\">{}</circle>\n",
          x, y, tail);
  }
}

std::string description_of(const DotPlot& plot) {
  std::string text;
  for (const DotPlot::Row& row : plot.rows) {
    text += row.name + ": ";
    for (size_t s = 0; s < plot.series.size(); ++s) {
      text += fmt::format("{}{} {:.1f}%", s > 0 ? ", " : "", plot.series[s], 100 * row.values[s]);
    }
    text += ". ";
  }
  return text + fmt::format("Chance: {:.1f}%.", 100 * plot.chance);
}

std::string scale_of(const DotPlot& plot, double left, double bottom) {
  std::string svg;
  for (int percent = 0; percent <= 100; percent += 20) {
    const double x = left + percent * kDotScale;
    svg += svg_line(x, kDotTop - 4, x, bottom, "--line");
    svg += svg_text(x, bottom + 16, "middle", fmt::format("{}%", percent));
  }
  const double chance = left + 100 * kDotScale * plot.chance;
  return svg +
         svg_line(chance, kDotTop - 4, chance, bottom, "--faint", " stroke-dasharray=\"5 4\"") +
         svg_text(chance, kDotTop - 8, "middle", "chance", " font-size=\"10\"");
}

}  // namespace

std::string svg_dots(const DotPlot& plot) {
  size_t longest = 8;
  for (const DotPlot::Row& row : plot.rows) longest = std::max(longest, row.name.size());
  const double left = 16 + kDotLetter * static_cast<double>(longest);
  const double bottom = kDotTop + kDotStep * static_cast<double>(plot.rows.size());
  std::string svg =
      svg_open(left + 100 * kDotScale + 40, bottom + 30, plot.title, description_of(plot));
  svg += svg_text(4, 18, "start", plot.title, " font-weight=\"600\"");
  double x = left;
  for (size_t s = 0; s < plot.series.size(); ++s) {
    svg += mark(s, x, 34, plot.series[s]) + svg_text(x + 9, 38, "start", plot.series[s]);
    x += 30 + kDotLetter * static_cast<double>(plot.series[s].size());
  }
  svg += scale_of(plot, left, bottom);
  for (size_t i = 0; i < plot.rows.size(); ++i) {
    const DotPlot::Row& row = plot.rows[i];
    const double y = kDotTop + kDotStep * (static_cast<double>(i) + 0.5);
    svg += svg_text(left - 8, y + 4, "end", row.name);
    for (size_t s = plot.series.size(); s-- > 0;) {
      svg += mark(s, left + 100 * kDotScale * row.values[s], y,
                  fmt::format("{} {:.1f}%", plot.series[s], 100 * row.values[s]));
    }
  }
  return svg + "</svg>\n";
}

}  // namespace flowmark
