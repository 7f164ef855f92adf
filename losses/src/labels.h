#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace covector::losses {

/// Throws std::invalid_argument "labels: expected values 0 .. 2, got 5" for labels on the CPU. On a
/// GPU looking would stall the device; there the library's own assertion stops the process.
void check_labels(std::string_view name, const at::Tensor& labels, std::int64_t classes);

}  // namespace covector::losses
