#include "affine_head.h"

#include "covector/core/spatial_map.h"
#include "covector/losses/full_precision.h"
#include "covector/networks/pooling.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <numbers>

namespace covector::gvsl {
namespace {

constexpr std::int64_t kWidth = 256;

// A turn from axis i towards axis j by an angle [N]: [N, d, d].
at::Tensor turn(const at::Tensor& angle, std::int64_t d, std::int64_t i, std::int64_t j) {
  std::vector<at::Tensor> entries(d * d, torch::zeros_like(angle));
  for (std::int64_t k = 0; k < d; ++k) entries[k * d + k] = torch::ones_like(angle);
  entries[i * d + i] = entries[j * d + j] = angle.cos();
  entries[i * d + j] = -angle.sin();
  entries[j * d + i] = angle.sin();
  return torch::stack(entries, 1).view({-1, d, d});
}

at::Tensor rotation_matrix(const at::Tensor& angles, std::int64_t d) {
  if (d == 2) return turn(angles.select(1, 0), 2, 0, 1);
  return torch::matmul(
      turn(angles.select(1, 2), 3, 0, 1),
      torch::matmul(turn(angles.select(1, 1), 3, 2, 0), turn(angles.select(1, 0), 3, 1, 2)));
}

at::Tensor shear_matrix(const at::Tensor& tangents, std::int64_t d) {
  std::vector<at::Tensor> entries;
  std::int64_t next = 0;
  for (std::int64_t k = 0; k < d * d; ++k)
    entries.push_back(k % (d + 1) == 0 ? torch::ones_like(tangents.select(1, 0))
                                       : tangents.select(1, next++));
  return torch::stack(entries, 1).view({-1, d, d});
}

at::Tensor bound(const at::Tensor& value, double reach) {
  return value.clamp(-1, 1) * reach;
}

// What autocast may have made narrower than a matrix of positions has to be.
at::Tensor wide(const at::Tensor& value) {
  return value.to(at::promote_types(value.scalar_type(), at::kFloat));
}

// Where the matrix reads each voxel of a grid: [N, d, *size].
at::Tensor positions(const at::Tensor& matrix, const std::vector<std::int64_t>& size) {
  const losses::FullPrecision full_precision;
  const auto d = matrix.size(1);
  const auto side = torch::tensor(size, torch::kInt64).to(matrix.options());
  const auto centre = (side - 1).view({1, d, 1}) / 2;
  const auto grid = voxel_grid(size, matrix.options()).flatten(2);
  const auto position =
      torch::matmul(matrix.narrow(2, 0, d), grid - centre) + centre + matrix.narrow(2, d, 1);
  auto shape = size;
  shape.insert(shape.begin(), {matrix.size(0), d});
  return position.view(shape);
}

}  // namespace

at::Tensor affine_matrix(const AffineValues& values) {
  const losses::FullPrecision full_precision;
  const auto d = values.scale.size(1);
  const auto rotation = rotation_matrix(bound(wide(values.rotation), std::numbers::pi / 9), d);
  const auto scale = (1 + bound(wide(values.scale), 0.25)).diag_embed();
  const auto shear = shear_matrix(bound(wide(values.shear), std::numbers::pi / 18).tan(), d);
  const auto linear = torch::matmul(shear, torch::matmul(scale, rotation));
  return torch::cat({linear, wide(values.translation).unsqueeze(2)}, 2);
}

at::Tensor affine_warp(const at::Tensor& image, const at::Tensor& matrix) {
  return sample_at(image, positions(matrix, image.sizes().slice(2).vec()));
}

AffineHead::AffineHead(std::int64_t dimensions, std::int64_t in, bool at_rest) {
  f_conv_ =
      register_module("f_conv", std::make_shared<networks::DoubleConv>(
                                    dimensions, 2 * in, kWidth, networks::ConvStart::uniform));
  const auto layer = [&](const std::string& name, std::int64_t out) {
    auto linear = register_module(name, std::make_shared<networks::Linear>(kWidth, out));
    const torch::NoGradGuard no_grad;
    if (at_rest)
      for (auto& parameter : linear->parameters()) parameter.zero_();
    return linear;
  };
  fc_rot_ = layer("fc_rot", dimensions == 2 ? 1 : 3);
  fc_scl_ = layer("fc_scl", dimensions);
  fc_trans_ = layer("fc_trans", dimensions);
  fc_shear_ = layer("fc_shear", dimensions * (dimensions - 1));
}

AffineValues AffineHead::forward(const at::Tensor& moving, const at::Tensor& fixed) const {
  const auto x = networks::pool_global(f_conv_->forward(torch::cat({moving, fixed}, 1)));
  return {fc_rot_->forward(x), fc_scl_->forward(x), fc_shear_->forward(x), fc_trans_->forward(x)};
}

}  // namespace covector::gvsl
