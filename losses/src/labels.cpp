#include "labels.h"

#include <torch/types.h>

#include <stdexcept>
#include <string>

namespace covector::losses {

void check_labels(std::string_view name, const at::Tensor& labels, std::int64_t classes) {
  if (!labels.is_cpu() || labels.numel() == 0) return;
  const auto low = labels.min().item<std::int64_t>();
  const auto high = labels.max().item<std::int64_t>();
  if (low >= 0 && high < classes) return;
  throw std::invalid_argument(std::string(name) + ": expected values 0 .. " +
                              std::to_string(classes - 1) + ", got " +
                              std::to_string(low < 0 ? low : high));
}

}  // namespace covector::losses
