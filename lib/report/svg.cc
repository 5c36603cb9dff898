#include "report/svg.h"

#include <fmt/format.h>

#include "report/html.h"

namespace flowmark {

std::string svg_open(double width, double height, const std::string& title,
                     const std::string& description) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" font-family=\"system-ui, sans-serif\" "
      "font-size=\"12\"><title>{2}</title><desc>{3}</desc>\n",
      width, height, escape_html(title), escape_html(description));
}

std::string svg_text(double x, double y, const char* anchor, const std::string& words,
                     const std::string& more) {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" style=\"fill:var(--ink)\"{}>{}</text>\n",
      x, y, anchor, more, escape_html(words));
}

std::string svg_line(double x1, double y1, double x2, double y2, const std::string& colour,
                     const std::string& more) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
      "style=\"stroke:var({})\"{}/>\n",
      x1, y1, x2, y2, colour, more);
}

}  // namespace flowmark
