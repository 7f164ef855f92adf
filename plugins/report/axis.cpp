#include "axis.h"

#include "html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace covector::report {
namespace {

/// A step of 1, 2 or 5 times a power of ten that cuts the range into about five.
double nice_step(double range) {
  const auto power = std::pow(10.0, std::floor(std::log10(range / 5)));
  for (const auto factor : {1.0, 2.0, 5.0})
    if (factor * power >= range / 5) return factor * power;
  return 10 * power;
}

}  // namespace

Axis axis_between(double low, double high) {
  Axis axis{low, high, {}, 0};
  const auto step = nice_step(high - low);
  for (auto n = std::ceil(low / step); n * step <= high; n += 1) axis.ticks.push_back(n * step);
  axis.digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  return axis;
}

Axis axis_over(double low, double high, const std::string& unit) {
  const auto margin = high > low ? 0.04 * (high - low) : std::max(0.05 * std::abs(low), 0.5);
  auto axis = axis_between(low - margin, high + margin);
  // Room for the points at the very ends, but no ticks where no percentage is.
  if (unit == "%") std::erase_if(axis.ticks, [](double x) { return x < 0 || x > 100; });
  return axis;
}

std::string axis_drawing(const Axis& axis) {
  std::string svg;
  for (const auto x : axis.ticks)
    svg += fmt::format("<text text-anchor=\"middle\" x=\"{:.2f}%\" y=\"14\">{}</text>", axis.at(x),
                       number(x, axis.digits));
  return "<svg height=\"18\" aria-hidden=\"true\">" + svg + "</svg>";
}

std::string row_drawing(const Axis& axis, const std::string& marks, const std::string& spoken) {
  std::string grid;
  for (const auto x : axis.ticks) grid += svg_line(axis.at(x), axis.at(x), "0", "100%", "grid");
  return fmt::format("<svg height=\"30\" role=\"img\" aria-label=\"{}\">{}{}</svg>", escape(spoken),
                     grid, marks);
}

std::string svg_line(double x1, double x2, const char* y1, const char* y2, const char* name) {
  return fmt::format("<line class=\"{}\" x1=\"{:.2f}%\" x2=\"{:.2f}%\" y1=\"{}\" y2=\"{}\"/>", name,
                     x1, x2, y1, y2);
}

}  // namespace covector::report
