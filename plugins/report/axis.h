#pragma once

#include <string>
#include <vector>

namespace covector::report {

/// A scale from 0 to 100 % of the width of a drawing, with round ticks.
struct Axis {
  double low = 0, high = 1;
  std::vector<double> ticks;
  int digits = 0;  // that tell the ticks apart

  double at(double x) const { return 100 * (x - low) / (high - low); }
};
/// An axis from low to high.
Axis axis_between(double low, double high);
/// The same with a margin, so that what lies at the ends can be drawn; percentages have no ticks
/// below 0 or above 100.
Axis axis_over(double low, double high, const std::string& unit);

/// The ticks of the axis, for the head of a column of drawings.
std::string axis_drawing(const Axis& axis);
/// The grid of one row's drawing, behind `marks`, which are SVG with places in per cent.
std::string row_drawing(const Axis& axis, const std::string& marks, const std::string& spoken);

/// An SVG line; x in per cent of the width.
std::string svg_line(double x1, double x2, const char* y1, const char* y2, const char* name);

}  // namespace covector::report
