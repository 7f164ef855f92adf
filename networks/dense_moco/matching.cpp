#include "covector/networks/matching.h"

#include "covector/core/check.h"

#include <torch/nn/functional/normalization.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <stdexcept>
#include <string>
#include <tuple>

namespace covector::networks {

at::Tensor cosines(const at::Tensor& a, const at::Tensor& b) {
  check_shape("a", a, {kAny, kAny, kAny});
  check_shape("b", b, {a.size(0), kAny, a.size(2)});
  const torch::NoGradGuard no_grad;
  // In half precision equal cells and merely similar ones would tie.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto unit = [](const at::Tensor& rows) {
    const auto type = at::promote_types(rows.scalar_type(), torch::kFloat32);
    return torch::nn::functional::normalize(rows.to(type),
                                            torch::nn::functional::NormalizeFuncOptions().dim(2));
  };
  return at::bmm(unit(a), unit(b).transpose(1, 2));
}

at::Tensor nearest_rows(const at::Tensor& a, const at::Tensor& b, std::int64_t count) {
  if (count < 1 || count > b.size(1))
    throw std::invalid_argument("b: " + std::to_string(count) + " rows are asked for, it has " +
                                std::to_string(b.size(1)));
  const auto order = std::get<1>(cosines(a, b).sort(/*stable=*/true, 2, /*descending=*/true));
  return order.narrow(2, 0, count);
}

at::Tensor take_rows(const at::Tensor& rows, const at::Tensor& index) {
  check_shape("rows", rows, {kAny, kAny, kAny});
  check_shape("index", index, {rows.size(0), kAny});
  return rows.gather(1, index.unsqueeze(2).expand({-1, -1, rows.size(2)}));
}

}  // namespace covector::networks
