#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluate/confusion.h"

namespace flowmark {

/// Plots as SVG elements for an HtmlReport: they take their colours from the page's style, and
/// carry a title and a description for those who do not see them.

/// A curve with an optional band.
struct PlotSeries {
  struct Point {
    double x = 0;
    double y = 0;
    double low = 0;  ///< of the band; low == high: none
    double high = 0;
  };
  std::string name;
  std::vector<Point> points;
};

struct LinePlot {
  std::string title;
  std::string x_title;
  std::string y_title;
  std::vector<PlotSeries> series;  ///< at most 4 keep apart
  bool log_x = false;              ///< x must be above 0
  double y_from = 0;
  double y_to = 1;
  bool percent_x = false;
  bool percent_y = true;
  bool diagonal = false;  ///< a line from lower left to upper right, to compare with
};
std::string svg_line_plot(const LinePlot& plot);

/// Who was taken for whom: a row a true class, the darker the larger the share of its row.
std::string svg_confusion(const Confusion& confusion, const std::string& title);

/// Two figures a row (ours as a dot with its interval, the published as a bar) on a scale of 0 to
/// 100%.
struct ComparedRow {
  std::string name;
  double ours = 0;
  double low = 0;
  double high = 0;
  bool has_published = false;
  double published = 0;
};
std::string svg_comparison(const std::vector<ComparedRow>& rows, const std::string& title);

/// Several figures a row as marks on a scale of 0 to 100%.
struct DotPlot {
  struct Row {
    std::string name;
    std::vector<double> values;  ///< by series
  };
  std::string title;
  std::vector<std::string> series;  ///< 1 to 4; each has its own mark
  std::vector<Row> rows;
  double chance = 0;  ///< a dashed line there: what guessing reaches
};
std::string svg_dots(const DotPlot& plot);

/// A plot as a file of its own.
std::string standalone_svg(const std::string& svg);

}  // namespace flowmark
