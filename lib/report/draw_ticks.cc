// Marks on the axes of drawn windows.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/draw_panel.h"

#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"

namespace flowmark {
namespace {

/// 1, 2 or 5 times a power of ten, at least `least`.
double round_step(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) {
      return factor * power;
    }
  }
  return 10 * power;
}

std::vector<Tick> linear_ticks(double end, uint32_t length, uint32_t spacing) {
  std::vector<Tick> ticks;
  const uint32_t most = std::max(1U, length / std::max(1U, spacing));
  const double step = round_step(end / most);
  for (uint32_t i = 0; i * step <= end * (1 + 1e-9); ++i) {
    ticks.push_back(
        {static_cast<uint32_t>(i * step / end * length), fmt::format("{:g}", i * step)});
  }
  return ticks;
}

std::string short_time(double us) {
  return us < 1e3   ? fmt::format("{:g}us", us)
         : us < 1e6 ? fmt::format("{:g}ms", us / 1e3)
                    : fmt::format("{:g}s", us / 1e6);
}

std::string short_bytes(double bytes) {
  return bytes < 1e3   ? fmt::format("{:g}", bytes)
         : bytes < 1e6 ? fmt::format("{:g}k", bytes / 1e3)
                       : fmt::format("{:g}M", bytes / 1e6);
}

/// Powers of ten within a logarithmic axis of that length, no nearer to each other than `spacing`.
std::vector<Tick> log_ticks(const LogAxis& axis, uint32_t length, uint32_t spacing,
                            std::string (*label)(double)) {
  std::vector<Tick> ticks;
  const double span = std::log(axis.max / axis.min);
  for (double value = std::pow(10, std::ceil(std::log10(axis.min) - 1e-9));
       value <= axis.max * (1 + 1e-9); value *= 10) {
    const auto place =
        static_cast<uint32_t>(std::max(0.0, std::log(value / axis.min) / span) * length);
    if (ticks.empty() || place >= ticks.back().place + spacing) {
      ticks.push_back({place, label(value)});
    }
  }
  return ticks;
}

}  // namespace

std::vector<Tick> time_ticks(const FeatureSpec& spec, const Panel& panel, uint32_t width,
                             uint32_t text_scale) {
  const uint32_t spacing = 6 * Image::kTextWidth * text_scale;
  switch (panel.kind) {
    case Panel::Kind::picture:
      return linear_ticks(
          static_cast<double>(picture_of(spec).window_us) / static_cast<double>(kUsPerSecond),
          width, spacing);
    case Panel::Kind::size_iat:
      return log_ticks(histogram_of(spec).iat_us, width, spacing, short_time);
    default:
      return log_ticks(histogram_of(spec).surge_us, width, spacing, short_time);
  }
}

std::vector<Tick> size_ticks(const FeatureSpec& spec, const Panel& panel, uint32_t height,
                             uint32_t text_scale) {
  const uint32_t spacing = 2 * Image::kTextHeight * text_scale;
  if (panel.kind == Panel::Kind::picture) {
    return linear_ticks(picture_of(spec).max_size, height, 2 * spacing);
  }
  const bool sizes = panel.kind == Panel::Kind::size_iat;
  const LogAxis& axis = sizes ? histogram_of(spec).size : histogram_of(spec).burst_bytes;
  const uint32_t half = height / 2;
  std::vector<Tick> ticks;
  for (const Tick& tick : log_ticks(axis, half, spacing, short_bytes)) {
    ticks.push_back({half + tick.place, "+" + tick.label});
    ticks.push_back({half - tick.place, "-" + tick.label});
  }
  return ticks;
}

const char* time_title(const Panel& panel) noexcept {
  switch (panel.kind) {
    case Panel::Kind::picture:
      return "arrival time (s)";
    case Panel::Kind::size_iat:
      return "inter-arrival time";
    default:
      return "surge period";
  }
}

const char* size_title(const Panel& panel) noexcept {
  switch (panel.kind) {
    case Panel::Kind::picture:
      return "IP packet size (bytes)";
    case Panel::Kind::size_iat:
      return "down - size (bytes) - up";
    default:
      return "down - burst (bytes) - up";
  }
}

}  // namespace flowmark
