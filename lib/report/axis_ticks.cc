#include "report/axis_ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flowmark {
namespace {

constexpr double kRounding = 1e-9;  // a value on the edge belongs to the axis

/// 1, 2 or 5 times a power of ten, at least `least`.
double round_step(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - kRounding)) {
      return factor * power;
    }
  }
  return 10 * power;
}

std::vector<Tick> linear_ticks(const PanelAxis& axis, uint32_t length, uint32_t spacing) {
  std::vector<Tick> ticks;
  const uint32_t most = std::max(1U, length / std::max(1U, spacing));
  const double span = axis.max - axis.min;
  const double step = round_step(span / most);
  const double first = std::ceil(axis.min / step - kRounding) + 0.0;  // no "-0"
  for (double i = first; i * step <= axis.max + span * kRounding; ++i) {
    const double share = (i * step - axis.min) / span;
    ticks.push_back({static_cast<uint32_t>(share * length), fmt::format("{:g}", i * step)});
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

std::string short_label(PanelAxis::Unit unit, double value) {
  switch (unit) {
    case PanelAxis::Unit::seconds:
      return short_time(value * 1e6);
    case PanelAxis::Unit::microseconds:
      return short_time(value);
    case PanelAxis::Unit::bytes:
    case PanelAxis::Unit::elements:
      break;
  }
  return short_bytes(value);
}

std::vector<Tick> log_ticks(const PanelAxis& axis, uint32_t length, uint32_t spacing) {
  std::vector<Tick> ticks;
  const double span = std::log(axis.max / axis.min);
  for (double value = std::pow(10, std::ceil(std::log10(axis.min) - kRounding));
       value <= axis.max * (1 + kRounding); value *= 10) {
    const auto place =
        static_cast<uint32_t>(std::max(0.0, std::log(value / axis.min) / span) * length);
    if (ticks.empty() || place >= ticks.back().place + spacing) {
      ticks.push_back({place, short_label(axis.unit, value)});
    }
  }
  return ticks;
}

std::vector<Tick> one_way(const PanelAxis& axis, uint32_t length, uint32_t spacing) {
  return axis.scale == PanelAxis::Scale::linear ? linear_ticks(axis, length, spacing)
                                                : log_ticks(axis, length, spacing);
}

}  // namespace

std::vector<Tick> axis_ticks(const PanelAxis& axis, uint32_t length, uint32_t spacing) {
  if (!axis.mirrored) {
    return one_way(axis, length, spacing);
  }
  const uint32_t half = length / 2;
  std::vector<Tick> ticks;
  for (const Tick& tick : one_way(axis, half, spacing)) {
    if (2 * tick.place >= spacing) {  // else it and its mirror image would touch
      ticks.push_back({half + tick.place, "+" + tick.label});
      ticks.push_back({half - tick.place, "-" + tick.label});
    }
  }
  return ticks;
}

}  // namespace flowmark
