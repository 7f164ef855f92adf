#include "covector/networks/published.h"

#include <torch/types.h>

#include <cmath>
#include <stdexcept>

namespace covector::networks {

void leave_out(Translation& translation, const std::function<bool(const std::string&)>& of_these,
               const std::string& why) {
  auto& tensors = translation.tensors;
  for (auto item = tensors.begin(); item != tensors.end();) {
    if (!of_these(item->first)) {
      ++item;
      continue;
    }
    translation.ignored.push_back(item->first + ": " + why);
    item = tensors.erase(item);
  }
}

std::int64_t square_side(std::int64_t cells) {
  const auto side = std::llround(std::sqrt(static_cast<double>(cells)));
  return side * side == cells ? side : 0;
}

at::Tensor resize_table(const at::Tensor& table, std::int64_t rows, TableResize resize) {
  const auto from = table.dim() == 2 ? square_side(table.size(0)) : 0;
  const auto to = square_side(rows);
  if (from == 0 || to == 0)
    throw std::invalid_argument("a table of " + c10::str(table.sizes()) +
                                " is not resized to a grid of " + std::to_string(rows) +
                                " cells: both must be square");
  const auto map = table.t().reshape({1, table.size(1), from, from});
  const auto resized = resize == TableResize::bicubic
                           ? at::upsample_bicubic2d(map, {to, to}, /*align_corners=*/false)
                           : at::upsample_bilinear2d(map, {to, to}, /*align_corners=*/true);
  return resized.reshape({table.size(1), rows}).t().contiguous();
}

std::string describe_change(const std::string& name, const at::Tensor& before,
                            const at::Tensor& after, const std::string& how) {
  return name + ": " + c10::str(before.sizes()) + " -> " + c10::str(after.sizes()) + ", " + how;
}

}  // namespace covector::networks
