#pragma once

#include <string>

namespace flowmark {

/// Begins an SVG element with what a screen reader says of it; `</svg>` is the caller's.
std::string svg_open(double width, double height, const std::string& title,
                     const std::string& description);
/// A text in the page's ink; `anchor` is start, middle or end, `more` further attributes.
std::string svg_text(double x, double y, const char* anchor, const std::string& words,
                     const std::string& more = "");
/// A line in a colour of the page's style such as "--line".
std::string svg_line(double x1, double y1, double x2, double y2, const std::string& colour,
                     const std::string& more = "");

}  // namespace flowmark
