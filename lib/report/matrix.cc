// Confusion matrices and comparisons with published figures as SVG.

#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/plot.h"
#include "report/svg.h"

namespace flowmark {
namespace {

constexpr double kLetter = 7;  // width, about

double longest(const std::vector<std::string>& names) {
  size_t letters = 4;
  for (const std::string& name : names) {
    letters = std::max(letters, name.size());
  }
  return static_cast<double>(letters);
}

}  // namespace

std::string svg_confusion(const Confusion& confusion, const std::string& title) {
  const auto& names = confusion.classes();
  const double side = names.size() > 12 ? 34 : 62;
  const double left = 26 + kLetter * longest(names);
  const double top = 46 + 0.72 * kLetter * longest(names);
  const auto count = static_cast<double>(names.size());
  std::string description = "Rows are true classes, columns answers. ";
  for (size_t c = 0; c < names.size(); ++c) {
    description += fmt::format("{}: {:.1f}% of {} right. ", names[c], 100 * confusion.recall(c),
                               confusion.support(c));
  }
  const double width = left + count * side + 0.72 * kLetter * longest(names) + 16;
  std::string svg = svg_open(width, top + count * side + 12, title, description);
  svg += svg_text(4, 18, "start", title, " font-weight=\"600\"");
  for (size_t row = 0; row < names.size(); ++row) {
    const double y = top + static_cast<double>(row) * side;
    svg += svg_text(left - 8, y + side / 2 + 4, "end", names[row]);
    svg += svg_text(0, 0, "start", names[row],
                    fmt::format(" transform=\"translate({:.1f} {:.1f}) rotate(-45)\"",
                                left + (static_cast<double>(row) + 0.5) * side, top - 8));
    for (size_t column = 0; column < names.size(); ++column) {
      const uint64_t times = confusion.count(row, column);
      const auto all = static_cast<double>(std::max<uint64_t>(confusion.support(row), 1));
      const double share = static_cast<double>(times) / all;
      const double x = left + static_cast<double>(column) * side;
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "style=\"fill:rgba(var(--heat),{:.3f});stroke:var(--line)\"><title>{} taken for {}: {} "
          "of "
          "{}</title></rect>\n",
          x, y, side, side, 0.55 * share, escape_html(names[row]), escape_html(names[column]),
          times, confusion.support(row));
      if (times > 0) {
        svg += svg_text(x + side / 2, y + side / 2 + (side > 40 ? -1 : 4), "middle",
                        side > 40 ? std::to_string(times) : fmt::format("{:.0f}", 100 * share));
        if (side > 40) {
          svg += svg_text(x + side / 2, y + side / 2 + 13, "middle",
                          fmt::format("{:.1f}%", 100 * share), " font-size=\"10\"");
        }
      }
    }
  }
  return svg + "</svg>\n";
}

std::string svg_comparison(const std::vector<ComparedRow>& rows, const std::string& title) {
  std::vector<std::string> names;
  std::string description = "Ours as dots with their intervals, the published as bars. ";
  for (const ComparedRow& row : rows) {
    names.push_back(row.name);
    description += fmt::format("{}: ours {:.1f}%", row.name, 100 * row.ours);
    description += row.has_published ? fmt::format(", published {:.1f}%. ", 100 * row.published)
                                     : std::string(". ");
  }
  constexpr double kStep = 26;
  constexpr double kTop = 34;
  constexpr double kScale = 4;  // pixels a percent
  const double left = 16 + kLetter * longest(names);
  const double bottom = kTop + kStep * static_cast<double>(rows.size());
  std::string svg = svg_open(left + 100 * kScale + 60, bottom + 30, title, description);
  svg += svg_text(4, 18, "start", title, " font-weight=\"600\"");
  for (int percent = 0; percent <= 100; percent += 20) {
    const double x = left + percent * kScale;
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" "
        "style=\"stroke:var(--line)\"/>\n",
        x, kTop - 4, bottom);
    svg += svg_text(x, bottom + 16, "middle", fmt::format("{}%", percent));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const ComparedRow& row = rows[i];
    const double y = kTop + kStep * (static_cast<double>(i) + 0.5);
    svg += svg_text(left - 8, y + 4, "end", row.name);
    if (row.has_published) {
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"4\" height=\"18\" style=\"fill:var(--s1)\">"
          "<title>published {:.1f}%</title></rect>\n",
          left + 100 * kScale * row.published - 2, y - 9, 100 * row.published);
    }
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\" "
        "style=\"stroke:var(--s0);stroke-width:2\"/>\n"
        "<circle cx=\"{3:.1f}\" cy=\"{1:.1f}\" r=\"5\" style=\"fill:var(--s0)\"><title>ours "
        "{4:.1f}%</title></circle>\n",
        left + 100 * kScale * row.low, y, left + 100 * kScale * row.high,
        left + 100 * kScale * row.ours, 100 * row.ours);
  }
  return svg + "</svg>\n";
}

}  // namespace flowmark
