#include "covector/datasets/geometry.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace covector::datasets {
namespace {

// [d, d + 1] float64: physical position (x, y, z) of a voxel index in tensor order.
at::Tensor placement(const Geometry& geometry, std::int64_t d) {
  auto matrix = torch::zeros({d, d + 1}, torch::kFloat64);
  auto entry = matrix.accessor<double, 2>();
  for (std::int64_t axis = 0; axis < d; ++axis) {
    const auto column = d - 1 - axis;  // x is the last axis of a tensor
    const auto step = geometry.spacing_mm.empty() ? 1.0 : geometry.spacing_mm.at(axis);
    for (std::int64_t row = 0; row < d; ++row)
      entry[row][axis] =
          step * (geometry.direction.empty() ? (row == column ? 1.0 : 0.0)
                                             : geometry.direction.at(row * d + column));
    entry[axis][d] = geometry.origin_mm.empty() ? 0.0 : geometry.origin_mm.at(axis);
  }
  return matrix;
}

bool axis_aligned(const SpatialMap& map) {
  const auto linear = map.matrix()[0].slice(1, 0, map.dimensions());
  return torch::equal(linear, torch::diag(torch::diag(linear)));
}

// Nearest voxel one axis after the other; the common case, where nothing is rotated.
at::Tensor nearest_by_axes(at::Tensor pixels, const SpatialMap& map) {
  for (std::int64_t axis = 0; axis < map.dimensions(); ++axis) {
    const auto scale = map.matrix()[0][axis][axis];
    const auto offset = map.matrix()[0][axis][map.dimensions()];
    const auto size = map.size()[static_cast<std::size_t>(axis)];
    const auto index =
        (scale * torch::arange(size, torch::kFloat64) + offset + 0.5).floor().to(torch::kInt64);
    const auto last = pixels.size(axis + 1) - 1;
    const auto outside = (index < 0).logical_or(index > last).nonzero().flatten();
    pixels = pixels.index_select(axis + 1, index.clamp(0, last));
    pixels.index_fill_(axis + 1, outside, 0);
  }
  return pixels;
}

// A slab at a time: the coordinates of a whole volume would take 24 bytes a voxel.
at::Tensor sampled(const at::Tensor& pixels, const SpatialMap& map, Interpolation interpolation) {
  constexpr std::int64_t kSlab = 16;
  const auto source = pixels.unsqueeze(0);
  const auto d = map.dimensions();
  std::vector<at::Tensor> slabs;
  for (std::int64_t start = 0; start < map.size()[0]; start += kSlab) {
    auto size = map.size();
    size[0] = std::min(kSlab, size[0] - start);
    auto offset = torch::zeros({1, d}, torch::kFloat64);
    offset[0][0] = static_cast<double>(start);
    const auto slab = SpatialMap::translation(offset, size).then_read(map);
    slabs.push_back(sample_at(source, slab.coordinates(source.options()), interpolation));
  }
  return torch::cat(slabs, 2).squeeze(0);
}

}  // namespace

Geometry unit_geometry(std::int64_t dimensions) {
  Geometry geometry;
  geometry.spacing_mm.assign(static_cast<std::size_t>(dimensions), 1.0);
  geometry.origin_mm.assign(static_cast<std::size_t>(dimensions), 0.0);
  for (std::int64_t row = 0; row < dimensions; ++row)
    for (std::int64_t column = 0; column < dimensions; ++column)
      geometry.direction.push_back(row == column ? 1.0 : 0.0);
  return geometry;
}

std::vector<double> position_of(const Geometry& geometry, const std::vector<double>& index) {
  const auto d = static_cast<std::int64_t>(index.size());
  const auto matrix = placement(geometry, d);
  const auto entry = matrix.accessor<double, 2>();
  std::vector<double> position;
  for (std::int64_t row = 0; row < d; ++row) {
    auto sum = entry[row][d];
    for (std::int64_t axis = 0; axis < d; ++axis)
      sum += entry[row][axis] * index[static_cast<std::size_t>(axis)];
    position.push_back(sum);
  }
  return position;
}

std::string orientation_code(const Geometry& geometry) {
  if (geometry.spacing_mm.size() != 3) return {};
  std::string code;
  for (std::size_t column = 0; column < 3; ++column) {
    std::size_t main = 0;
    for (std::size_t row = 1; row < 3; ++row)
      if (std::abs(geometry.direction[row * 3 + column]) >
          std::abs(geometry.direction[main * 3 + column]))
        main = row;
    code += geometry.direction[main * 3 + column] > 0 ? "LPS"[main] : "RAI"[main];
  }
  return code;
}

Geometry regridded(const Geometry& geometry, const std::vector<double>& scale,
                   const std::vector<double>& offset) {
  const auto d = scale.size();
  Geometry out = geometry;
  out.origin_mm = position_of(geometry, offset);
  if (out.direction.empty()) out.direction = unit_geometry(static_cast<std::int64_t>(d)).direction;
  for (std::size_t axis = 0; axis < d; ++axis) {
    if (!geometry.spacing_mm.empty()) {
      out.spacing_mm[axis] *= scale[axis];
      continue;
    }
    for (std::size_t row = 0; row < d; ++row) out.direction[row * d + d - 1 - axis] *= scale[axis];
  }
  return out;
}

SpatialMap map_between(const Geometry& to, const std::vector<std::int64_t>& size,
                       const Geometry& from) {
  const auto d = static_cast<std::int64_t>(size.size());
  const SpatialMap into_space(placement(to, d).unsqueeze(0), size);
  const SpatialMap from_space = SpatialMap(placement(from, d).unsqueeze(0), size).inverse(size);
  return into_space.then_read(from_space);
}

Image resample(const Image& image, const Geometry& geometry, const std::vector<std::int64_t>& size,
               Interpolation interpolation) {
  const auto map = map_between(geometry, size, image.geometry);
  Image out{{}, geometry, image.info};
  out.info.orientation = orientation_code(geometry);
  if (interpolation == Interpolation::linear)
    out.pixels = sampled(image.pixels.to(torch::kFloat), map, interpolation);
  else if (axis_aligned(map))
    out.pixels = nearest_by_axes(image.pixels, map);
  else  // float64 holds every integer that labels use
    out.pixels = sampled(image.pixels.to(torch::kFloat64), map, interpolation)
                     .to(image.pixels.scalar_type());
  return out;
}

Image to_patient_axes(const Image& image, const std::filesystem::path& path) {
  if (image.dimensions() != 3 || image.geometry.spacing_mm.empty())
    throw DataError(path.string() +
                    ": has no patient orientation; name the array axis (0, 1 or 2) instead of "
                    "axial, coronal or sagittal");
  // axes[r]: the array axis (x = 0) that runs mostly along patient axis r (L, P, S).
  const auto& direction = image.geometry.direction;
  std::array<int, 3> axes{-1, -1, -1};
  for (int round = 0; round < 3; ++round) {
    int best_row = -1;
    int best_column = -1;
    double best = -1;
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column) {
        const bool taken =
            axes[row] >= 0 || std::find(axes.begin(), axes.end(), column) != axes.end();
        if (taken || std::abs(direction[row * 3 + column]) <= best) continue;
        best = std::abs(direction[row * 3 + column]);
        best_row = row;
        best_column = column;
      }
    axes[best_row] = best_column;
  }
  Image out = image;
  std::vector<double> corner(3, 0.0);
  std::vector<std::int64_t> flipped;
  for (int row = 0; row < 3; ++row) {
    const auto column = axes[row];
    const auto old_axis = 2 - column;
    const auto backwards = direction[row * 3 + column] < 0;
    const auto sign = backwards ? -1.0 : 1.0;
    if (backwards) {
      flipped.push_back(3 - row);  // its axis after the permutation, behind the channels
      corner[old_axis] = static_cast<double>(image.pixels.size(old_axis + 1) - 1);
    }
    out.geometry.spacing_mm[2 - row] = image.geometry.spacing_mm[old_axis];
    for (int r = 0; r < 3; ++r)
      out.geometry.direction[r * 3 + row] = sign * direction[r * 3 + column];
  }
  out.geometry.origin_mm = position_of(image.geometry, corner);
  out.pixels =
      image.pixels.permute({0, 3 - axes[2], 3 - axes[1], 3 - axes[0]}).flip(flipped).contiguous();
  out.info.orientation = orientation_code(out.geometry);
  return out;
}

void write_label_like(const std::filesystem::path& original, const at::Tensor& label,
                      const Geometry& prepared, const std::filesystem::path& path) {
  const auto file = read_header(original);
  const auto flat = as_dimensions(file, label.dim() - 1, original);
  const auto type = label.max().item<std::int64_t>() > 255 ? torch::kUInt16 : torch::kUInt8;
  const Image source{label.detach().cpu().to(torch::kInt32), prepared, {}};
  auto mask = resample(source, flat.geometry, flat.size(), Interpolation::nearest);
  auto shape = file.pixels.sizes().vec();
  shape[0] = 1;
  write_image({mask.pixels.to(type).view(shape), file.geometry, {}}, path);
}

}  // namespace covector::datasets
