#include "dicom.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace covector::datasets::io {
namespace {

constexpr double kParallel = 1e-3;  // difference of direction cosines
constexpr double kUneven = 0.05;    // of the distance between slices

bool parallel(const Plane& a, const Plane& b) {
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (std::abs(a.along_x[axis] - b.along_x[axis]) > kParallel ||
        std::abs(a.along_y[axis] - b.along_y[axis]) > kParallel)
      return false;
  return true;
}

std::string millimetres(double value) {
  auto text = std::to_string(std::round(value * 1000) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " mm";
}

}  // namespace

Stack stack_of(const std::vector<Plane>& planes) {
  Stack stack;
  stack.order.resize(planes.size());
  std::iota(stack.order.begin(), stack.order.end(), std::size_t{0});
  const auto fail = [&](std::size_t first, std::size_t second, std::string problem) {
    stack.first = first;
    stack.second = second;
    stack.problem = std::move(problem);
    return stack;
  };
  for (std::size_t i = 1; i < planes.size(); ++i)
    if (!parallel(planes[0], planes[i])) return fail(0, i, "the slices are not parallel");

  const auto normal = planes.at(0).normal();
  const auto height = [&](std::size_t i) { return dot(planes[i].position, normal); };
  std::stable_sort(stack.order.begin(), stack.order.end(),
                   [&](std::size_t a, std::size_t b) { return height(a) < height(b); });
  std::vector<double> gaps;
  for (std::size_t i = 1; i < planes.size(); ++i)
    gaps.push_back(height(stack.order[i]) - height(stack.order[i - 1]));
  if (gaps.empty()) return stack;
  auto sorted = gaps;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2),
                   sorted.end());
  const double usual = sorted[gaps.size() / 2];
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const auto below = stack.order[i];
    const auto above = stack.order[i + 1];
    if (gaps[i] < 1e-3) return fail(below, above, "two slices have the same position");
    if (gaps[i] > 1.5 * usual)
      return fail(below, above,
                  "a slice is missing: neighbours lie " + millimetres(gaps[i]) +
                      " apart, the others " + millimetres(usual));
    if (std::abs(gaps[i] - usual) > kUneven * usual)
      return fail(below, above,
                  "slices are not evenly spaced: " + millimetres(gaps[i]) + " against " +
                      millimetres(usual));
  }
  const auto& bottom = planes[stack.order.front()].position;
  const auto& top = planes[stack.order.back()].position;
  const double total = height(stack.order.back()) - height(stack.order.front());
  stack.spacing_mm = total / static_cast<double>(gaps.size());
  double drift = 0;  // of the first pixel inside the plane, over the whole stack
  for (std::size_t axis = 0; axis < 3; ++axis)
    drift = std::max(drift, std::abs(top[axis] - bottom[axis] - total * normal[axis]));
  if (drift > 0.1 * stack.spacing_mm)
    return fail(stack.order.front(), stack.order.back(),
                "the stack is sheared by " + millimetres(drift) + " (gantry tilt)");
  return stack;
}

void place_stack(const std::vector<Plane>& planes, const Stack& stack, RawImage& image) {
  const auto& first = planes[stack.order.front()];
  const auto normal = first.normal();
  image.spacing_mm.insert(image.spacing_mm.begin(), stack.spacing_mm);
  image.origin_mm.assign(first.position.begin(), first.position.end());
  image.direction.clear();
  for (std::size_t row = 0; row < 3; ++row)
    for (const auto& column : {first.along_x, first.along_y, normal})
      image.direction.push_back(column[row]);
}

}  // namespace covector::datasets::io
