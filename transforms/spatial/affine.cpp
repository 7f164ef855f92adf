#include "covector/transforms/spatial/affine.h"

#include "covector/core/check.h"
#include "per_sample.h"

#include <functional>
#include <numbers>

namespace covector::transforms {
namespace {

// A turn in the plane of axes i and j of d dimensions: [N, d, d] for angles [N].
at::Tensor turn(const at::Tensor& angle, std::int64_t d, std::int64_t i, std::int64_t j) {
  auto matrix = torch::eye(d, torch::kFloat64).repeat({angle.size(0), 1, 1});
  const auto entry = [&](std::int64_t row, std::int64_t column) {
    return matrix.select(1, row).select(1, column);
  };
  entry(i, i).copy_(angle.cos());
  entry(j, j).copy_(angle.cos());
  entry(i, j).copy_(-angle.sin());
  entry(j, i).copy_(angle.sin());
  return matrix;
}

at::Tensor rotation_matrix(const at::Tensor& angles, std::int64_t d) {
  const auto angle = [&](std::int64_t k) { return angles.select(1, k); };
  if (d == 2) return turn(angle(0) - angle(1), 2, 0, 1);
  // Right-handed about each axis: D turns H to W, H turns W to D, W turns D to H.
  return torch::matmul(turn(angle(0), 3, 1, 2),
                       torch::matmul(turn(angle(1), 3, 2, 0), turn(angle(2), 3, 0, 1)));
}

at::Tensor shear_matrix(const at::Tensor& shear, std::int64_t d) {
  auto matrix = torch::eye(d, torch::kFloat64).repeat({shear.size(0), 1, 1});
  std::int64_t next = 0;
  for (std::int64_t row = 0; row < d; ++row)
    for (std::int64_t column = 0; column < d; ++column)
      if (row != column)
        matrix.select(1, row).select(1, column).copy_(shear.select(1, next++).tan());
  return matrix;
}

double radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

// One column an axis, each from a range of its own: [N, columns].
at::Tensor columns(std::int64_t count, const std::function<at::Tensor(std::int64_t)>& draw) {
  std::vector<at::Tensor> out;
  for (std::int64_t k = 0; k < count; ++k) out.push_back(draw(k));
  return torch::stack(out, 1);
}

}  // namespace

SpatialMap affine_map(const AffineParameters& parameters, std::vector<std::int64_t> size,
                      GridConvention centre) {
  const auto d = static_cast<std::int64_t>(size.size());
  const auto batch = parameters.scale.size(0);
  check_shape("rotation", parameters.rotation, {batch, d});
  check_shape("scale", parameters.scale, {batch, d});
  check_shape("shear", parameters.shear, {batch, d * (d - 1)});
  check_shape("translation", parameters.translation, {batch, d});
  const auto matrix = torch::matmul(
      torch::matmul(rotation_matrix(parameters.rotation, d), parameters.scale.diag_embed()),
      shear_matrix(parameters.shear, d));
  const auto side = torch::tensor(size, torch::kFloat64);
  const auto middle = (side - 1) / 2;
  const auto target = centre == GridConvention::paper ? middle : (side / 2).floor();
  const auto shift = parameters.translation + target - torch::matmul(matrix, middle);
  return {torch::cat({matrix, shift.unsqueeze(2)}, 2), std::move(size)};
}

void AffineOptions::describe(Schema<AffineOptions>& schema) {
  schema.summary("Moves each sample by a random affine field about the centre of the view.")
      .source("Y. He, S. Li, COVER, ICCV 2025; ranges of train_COVER_2d.py (f5e6dd0)");
  schema.departure(
      "released: re-centres at size / 2 rounded down and samples without aligned corners, both "
      "as the published code; paper: neither");
  schema.field("degree", &AffineOptions::degree)
      .doc("factor on every range, COVER's degree of spatial transformation")
      .at_least(0.0);
  schema.field("rotation", &AffineOptions::rotation)
      .doc(
          "each angle is uniform in +- degree * rotation; 2D turns by one or by the difference of "
          "two (angles), 3D about each axis")
      .unit("degree of arc")
      .at_least(0.0);
  schema.field("angles", &AffineOptions::angles)
      .doc("2D: 2 turns by the difference of two angles, as COVER's and GEMINI's code; 1 by one")
      .one_of({1, 2});
  schema.field("scale", &AffineOptions::scale)
      .doc("the factor on each axis is uniform in 1 +- degree * scale")
      .at_least(0.0);
  schema.field("translation", &AffineOptions::translation)
      .doc("along each axis, uniform in +- degree * translation of the side")
      .at_least(0.0);
  schema.field("shear", &AffineOptions::shear)
      .doc("each shear is uniform in +- degree * shear; 2D has two, 3D six")
      .unit("degree of arc")
      .at_least(0.0);
  schema.field("convention", &AffineOptions::convention)
      .doc("centre of the field and positions of the samples")
      .one_of({"paper", "released"});
  schema.rule([](const AffineOptions& o) {
    return o.degree * o.scale < 1
               ? std::string()
               : "degree * scale must be less than 1, or an axis could collapse or be mirrored";
  });
  // Below atan(1/2) each row's diagonal outweighs the rest of it, in 3D too.
  schema.rule([](const AffineOptions& o) {
    return o.degree * o.shear < 26.5
               ? std::string()
               : "degree * shear must be less than 26.5, or the field could collapse";
  });
}

Affine::Affine(const AffineOptions& options) : options_(options) {}

AffineParameters Affine::draw(const std::vector<std::int64_t>& size, Draws& draws) const {
  const auto d = static_cast<std::int64_t>(size.size());
  const auto around = [&](double middle, double half_width) {
    const auto reach = options_.degree * half_width;
    return draws.uniform(middle - reach, middle + reach);
  };
  AffineParameters out;
  out.rotation = columns(d, [&](auto) { return around(0, radians(options_.rotation)); });
  if (d == 2 && options_.angles == 1) out.rotation.select(1, 1).zero_();
  out.scale = columns(d, [&](auto) { return around(1, options_.scale); });
  out.shear = columns(d * (d - 1), [&](auto) { return around(0, radians(options_.shear)); });
  out.translation =
      columns(d, [&](auto axis) { return around(0, options_.translation * size[axis]); });
  return out;
}

void Affine::apply(View& view, Draws& draws) const {
  const auto convention =
      options_.convention == "paper" ? GridConvention::paper : GridConvention::released;
  const auto map =
      where_applied(affine_map(draw(view.size(), draws), view.size(), convention), draws);
  if (convention == GridConvention::paper) {
    view.resample(map);
    return;
  }
  // The published positions move even what the identity reads, so the rest is put back.
  const auto before = view.image();
  view.resample(map, convention);
  const auto after = view.image();
  view.set_image(before);
  change_pixels(view, draws, after);
}

}  // namespace covector::transforms
