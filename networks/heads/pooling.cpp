#include "covector/networks/pooling.h"

#include <torch/types.h>

#include <vector>

namespace covector::networks {

at::Tensor pool_global(const at::Tensor& map) {
  return map.flatten(2).mean(2);
}

at::Tensor pool_cells(const at::Tensor& map, std::int64_t cells) {
  const std::vector<std::int64_t> size(map.dim() - 2, cells);
  return map.dim() == 4 ? at::adaptive_avg_pool2d(map, size) : at::adaptive_avg_pool3d(map, size);
}

at::Tensor rows_of(const at::Tensor& map) {
  return map.flatten(2).transpose(1, 2);
}

}  // namespace covector::networks
