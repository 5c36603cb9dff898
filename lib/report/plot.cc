#include "report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"
#include "report/svg.h"

namespace flowmark {
namespace {

constexpr double kWidth = 520;
constexpr double kHeight = 320;
constexpr double kLeft = 62;
constexpr double kRight = 16;
constexpr double kTop = 34;
constexpr double kBottom = 52;

std::string number(double value, bool percent) {
  return percent ? fmt::format("{:g}%", std::round(1000 * value) / 10) : fmt::format("{:g}", value);
}

/// Where a value stands in the plot.
class Frame {
 public:
  explicit Frame(const LinePlot& plot) : plot_(plot) {
    for (const PlotSeries& series : plot.series) {
      for (const auto& point : series.points) {
        from_ = std::min(from_, point.x);
        to_ = std::max(to_, point.x);
      }
    }
    if (plot.percent_x) {
      from_ = 0;
      to_ = 1;
    }
    if (!(from_ < to_)) {  // nothing, or a single place
      const double middle = std::isfinite(from_) ? from_ : 1;
      from_ = middle / 2;
      to_ = middle * 2 + 1e-9;
    }
  }

  double x(double value) const {
    const double share = plot_.log_x ? std::log(value / from_) / std::log(to_ / from_)
                                     : (value - from_) / (to_ - from_);
    return kLeft + share * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    const double share = std::clamp((value - plot_.y_from) / (plot_.y_to - plot_.y_from), 0.0, 1.0);
    return kHeight - kBottom - share * (kHeight - kTop - kBottom);
  }
  /// The marks on the x axis: of a logarithmic one the points themselves.
  std::vector<double> marks() const {
    std::vector<double> marks;
    if (!plot_.log_x) {
      for (int i = 0; i <= 5; ++i) {
        marks.push_back(from_ + (to_ - from_) * i / 5);
      }
      return marks;
    }
    for (const PlotSeries& series : plot_.series) {
      for (const auto& point : series.points) {
        marks.push_back(point.x);
      }
    }
    std::sort(marks.begin(), marks.end());
    std::vector<double> apart;
    for (const double mark : marks) {
      if (apart.empty() || x(mark) - x(apart.back()) > 32) {
        apart.push_back(mark);
      }
    }
    return apart;
  }

 private:
  const LinePlot& plot_;
  double from_ = INFINITY;
  double to_ = -INFINITY;
};

std::string axes(const LinePlot& plot, const Frame& frame) {
  std::string svg;
  for (int i = 0; i <= 5; ++i) {
    const double value = plot.y_from + (plot.y_to - plot.y_from) * i / 5;
    const double y = frame.y(value);
    svg += svg_line(kLeft, y, kWidth - kRight, y, "--line");
    svg += svg_text(kLeft - 6, y + 4, "end", number(value, plot.percent_y));
  }
  for (const double mark : frame.marks()) {
    svg +=
        svg_line(frame.x(mark), kHeight - kBottom, frame.x(mark), kHeight - kBottom + 4, "--faint");
    svg += svg_text(frame.x(mark), kHeight - kBottom + 18, "middle", number(mark, plot.percent_x));
  }
  svg += svg_text((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", plot.x_title);
  svg += svg_text(0, 0, "middle", plot.y_title,
                  fmt::format(" transform=\"translate(14 {:.0f}) rotate(-90)\"",
                              (kTop + kHeight - kBottom) / 2));
  svg += svg_text(kLeft, 18, "start", plot.title, " font-weight=\"600\"");
  return svg;
}

constexpr const char* kDashes[] = {"", " stroke-dasharray=\"7 3\"", " stroke-dasharray=\"2 3\"",
                                   " stroke-dasharray=\"9 3 2 3\""};

std::string curve(const PlotSeries& series, size_t which, const Frame& frame) {
  std::string path;
  std::string upper;
  std::string lower;
  std::string dots;
  bool band = false;
  for (const auto& point : series.points) {
    const double x = frame.x(point.x);
    path += fmt::format("{:.1f},{:.1f} ", x, frame.y(point.y));
    upper += fmt::format("{:.1f},{:.1f} ", x, frame.y(point.high));
    lower = fmt::format("{:.1f},{:.1f} ", x, frame.y(point.low)) + lower;
    band = band || point.low < point.high;
    dots += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" style=\"fill:var(--s{})\"><title>{}: {:g}, "
        "{:.2f}%</title></circle>\n",
        x, frame.y(point.y), which % 4, escape_html(series.name), point.x, 100 * point.y);
  }
  std::string svg;
  if (band) {
    svg += fmt::format("<polygon points=\"{}{}\" style=\"fill:var(--s{});opacity:.15\"/>\n", upper,
                       lower, which % 4);
  }
  svg += fmt::format(
      "<polyline points=\"{}\" style=\"fill:none;stroke:var(--s{});stroke-width:2\"{}/>\n", path,
      which % 4, kDashes[which % 4]);
  return svg + dots;
}

std::string legend(const LinePlot& plot) {
  std::string svg;
  for (size_t i = 0; i < plot.series.size() && plot.series.size() > 1; ++i) {
    const double y = kHeight - kBottom - 12 - 17 * static_cast<double>(plot.series.size() - 1 - i);
    svg += fmt::format(
        "<line x1=\"{0}\" y1=\"{1}\" x2=\"{2}\" y2=\"{1}\" "
        "style=\"stroke:var(--s{3});stroke-width:2\"{4}/>\n",
        kWidth - 170, y, kWidth - 140, i % 4, kDashes[i % 4]);
    svg += svg_text(kWidth - 134, y + 4, "start", plot.series[i].name);
  }
  return svg;
}

}  // namespace

std::string svg_line_plot(const LinePlot& plot) {
  std::string description = plot.y_title + " against " + plot.x_title + ". ";
  for (const PlotSeries& series : plot.series) {
    description += series.name + ": ";
    for (const auto& point : series.points) {
      description += fmt::format("{} at {}; ", number(point.y, plot.percent_y),
                                 number(point.x, plot.percent_x));
    }
  }
  const Frame frame(plot);
  std::string svg = svg_open(kWidth, kHeight, plot.title, description) + axes(plot, frame);
  if (plot.diagonal) {
    svg += svg_line(kLeft, kHeight - kBottom, kWidth - kRight, kTop, "--faint",
                    " stroke-dasharray=\"4 4\"");
  }
  for (size_t i = 0; i < plot.series.size(); ++i) {
    svg += curve(plot.series[i], i, frame);
  }
  return svg + legend(plot) + "</svg>\n";
}

std::string standalone_svg(const std::string& svg) {
  constexpr const char* kColours =
      "<style>svg { --ink: #1c1f23; --faint: #5c646d; --line: #d4d9de; --s0: #0b62a4; "
      "--s1: #b84c00; --s2: #00735c; --s3: #8e3a8c; --heat: 11, 98, 164; background: #fff; }"
      "</style>\n";
  const size_t head = svg.find("</desc>");
  if (head == std::string::npos) {
    return svg;
  }
  std::string file = svg;
  return file.insert(head + std::string("</desc>").size(), kColours);
}

}  // namespace flowmark
