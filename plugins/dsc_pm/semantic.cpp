#include "semantic.h"

#include "covector/losses/clustering.h"
#include "covector/losses/contrast.h"
#include "covector/losses/full_precision.h"
#include "covector/networks/pooling.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <limits>

namespace covector::dsc_pm {

Prototypes::Prototypes(std::int64_t count, std::int64_t width)
    : weight_(register_parameter("weight", torch::randn({count, width}))) {
  renormalise();
}

at::Tensor Prototypes::scores(const at::Tensor& rows, bool frozen) const {
  const losses::FullPrecision full_precision;
  return at::matmul(rows, (frozen ? weight_.detach() : weight_).t());
}

void Prototypes::renormalise() {
  const torch::NoGradGuard no_grad;
  weight_.copy_(losses::unit(weight_));
}

at::Tensor foreground(const at::Tensor& image, std::int64_t cells, double threshold) {
  const torch::NoGradGuard no_grad;
  return networks::rows_of(networks::pool_cells(image, cells)).mean(2) >= threshold;
}

at::Tensor codes_of(const at::Tensor& scores, const at::Tensor& counted, double epsilon,
                    std::int64_t iterations) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto among_counted = scores.masked_fill(counted.logical_not().unsqueeze(2), -kInfinity);
  return losses::sinkhorn(among_counted.flatten(0, 1), epsilon, iterations).view_as(scores);
}

at::Tensor predicted_code_loss(const at::Tensor& codes, const at::Tensor& scores,
                               const at::Tensor& counted, double temperature) {
  const auto entropy = -(codes.detach() * (scores / temperature).log_softmax(2)).sum(2);
  return at::where(counted, entropy, 0).sum() / counted.sum().clamp_min(1);
}

at::Tensor draw_cells(const at::Tensor& counted, std::int64_t count) {
  // Between 0 and 1 for cells that count, above 1 for the others.
  const auto place =
      at::rand(counted.sizes(), counted.options().dtype(torch::kFloat32)) + counted.logical_not();
  return place.argsort(1, false).narrow(1, 0, std::min(count, counted.size(1)));
}

}  // namespace covector::dsc_pm
