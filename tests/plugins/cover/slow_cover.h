#pragma once

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

/// COVER once more, voxel by voxel in plain loops and from the paper's formulas, to test the
/// tensor form against. A sample at a time; a 2D image is a volume of depth 1.
namespace covector::cover::slow {

using Position = std::array<double, 3>;

struct Map {
  std::int64_t channels, depth, height, width;
  std::vector<double> values;

  Map(std::int64_t c, std::int64_t d, std::int64_t h, std::int64_t w)
      : channels(c), depth(d), height(h), width(w), values(c * d * h * w) {}
  double& at(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) {
    return values[((c * depth + z) * height + y) * width + x];
  }
  double at(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    return const_cast<Map&>(*this).at(c, z, y, x);
  }
  bool has(std::int64_t z, std::int64_t y, std::int64_t x) const {
    return z >= 0 && z < depth && y >= 0 && y < height && x >= 0 && x < width;
  }
  template <class Body>
  void each(Body body) const {
    for (std::int64_t z = 0; z < depth; ++z)
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < width; ++x) body(z, y, x);
  }
};

/// Sample n of [N, C, H, W] or [N, C, D, H, W].
inline Map map_of(const at::Tensor& tensor, std::int64_t n) {
  const auto t = tensor[n].detach().to(torch::kFloat64).contiguous();
  const auto depth = t.dim() == 4 ? t.size(1) : 1;
  Map out(t.size(0), depth, t.size(-2), t.size(-1));
  std::copy_n(t.data_ptr<double>(), t.numel(), out.values.begin());
  return out;
}

/// Displacements of a 2D image have no depth component; here they get one, 0.
inline Map field_of(const at::Tensor& tensor, std::int64_t n) {
  const auto map = map_of(tensor, n);
  if (map.channels == 3) return map;
  Map out(3, 1, map.height, map.width);
  std::copy(map.values.begin(), map.values.end(), out.values.begin() + map.height * map.width);
  return out;
}

/// Linear in the eight voxels around; voxels outside count as 0.
inline double read(const Map& map, std::int64_t c, const Position& q) {
  double sum = 0;
  const std::int64_t z0 = std::floor(q[0]), y0 = std::floor(q[1]), x0 = std::floor(q[2]);
  for (std::int64_t z = z0; z <= z0 + 1; ++z)
    for (std::int64_t y = y0; y <= y0 + 1; ++y)
      for (std::int64_t x = x0; x <= x0 + 1; ++x)
        if (map.has(z, y, x))
          sum += (1 - std::abs(q[0] - z)) * (1 - std::abs(q[1] - y)) * (1 - std::abs(q[2] - x)) *
                 map.at(c, z, y, x);
  return sum;
}

inline Map warp(const Map& map, const Map& u) {
  Map out = map;
  for (std::int64_t c = 0; c < map.channels; ++c)
    map.each([&](auto z, auto y, auto x) {
      out.at(c, z, y, x) =
          read(map, c, {z + u.at(0, z, y, x), y + u.at(1, z, y, x), x + u.at(2, z, y, x)});
    });
  return out;
}

/// r u on a grid r times as fine, its corners on the corners of u; depth 1 stays.
inline Map up(const Map& u, std::int64_t r) {
  const auto finer = [r](std::int64_t n) { return n == 1 ? 1 : r * n; };
  Map out(3, finer(u.depth), finer(u.height), finer(u.width));
  const auto back = [](std::int64_t i, std::int64_t coarse, std::int64_t fine) {
    return fine == 1 ? 0.0 : static_cast<double>(i) * (coarse - 1) / (fine - 1);
  };
  for (std::int64_t c = 0; c < 3; ++c)
    out.each([&](auto z, auto y, auto x) {
      out.at(c, z, y, x) = r * read(u, c,
                                    {back(z, u.depth, out.depth), back(y, u.height, out.height),
                                     back(x, u.width, out.width)});
    });
  return out;
}

/// Parameters of a head as they lie in memory: weight [out][in], the rest [out].
struct HeadWeights {
  std::vector<double> weight, bias, scale, shift;
};

inline Map project(const Map& map, const HeadWeights& head) {
  const auto channels = static_cast<std::int64_t>(head.bias.size());
  Map out(channels, map.depth, map.height, map.width);
  for (std::int64_t c = 0; c < channels; ++c)
    map.each([&](auto z, auto y, auto x) {
      double sum = head.bias[c];
      for (std::int64_t i = 0; i < map.channels; ++i)
        sum += head.weight[c * map.channels + i] * map.at(i, z, y, x);
      out.at(c, z, y, x) = sum;
    });
  double mean = 0;
  for (const auto v : out.values) mean += v / static_cast<double>(out.values.size());
  double variance = 0;
  for (const auto v : out.values)
    variance += (v - mean) * (v - mean) / static_cast<double>(out.values.size());
  for (std::int64_t c = 0; c < channels; ++c)
    map.each([&](auto z, auto y, auto x) {
      auto& v = out.at(c, z, y, x);
      v = (v - mean) / std::sqrt(variance + 1e-5) * head.scale[c] + head.shift[c];
    });
  return out;
}

/// Mean over the groups of the expected offset.
inline Map unit(const Map& query, const Map& key, std::int64_t groups, std::int64_t radius) {
  Map out(3, query.depth, query.height, query.width);
  const auto head_dim = query.channels / groups;
  query.each([&](auto z, auto y, auto x) {
    for (std::int64_t g = 0; g < groups; ++g) {
      double total = 0;
      Position sum{};
      for (auto dz = -radius; dz <= radius; ++dz)
        for (auto dy = -radius; dy <= radius; ++dy)
          for (auto dx = -radius; dx <= radius; ++dx) {
            if (!key.has(z + dz, y + dy, x + dx)) continue;  // a logit of -1000 is a weight of 0
            double product = 0;
            for (std::int64_t h = 0; h < head_dim; ++h)
              product += query.at(h * groups + g, z, y, x) *
                         key.at(h * groups + g, z + dz, y + dy, x + dx);
            const auto weight = std::exp(product / std::sqrt(static_cast<double>(head_dim)));
            total += weight;
            sum[0] += weight * dz;
            sum[1] += weight * dy;
            sum[2] += weight * dx;
          }
      for (int axis = 0; axis < 3; ++axis)
        out.at(axis, z, y, x) += sum[axis] / total / static_cast<double>(groups);
    }
  });
  return out;
}

/// The displacement after each level, as VectorPyramid gives it.
inline std::vector<Map> flows(const std::vector<Map>& fixed, const std::vector<Map>& moving,
                              const std::vector<HeadWeights>& heads,
                              const std::vector<std::int64_t>& strides,
                              const std::vector<std::int64_t>& groups, std::int64_t radius) {
  std::vector<Map> found;
  for (std::size_t l = 0; l < fixed.size(); ++l) {
    const bool last = l + 1 == fixed.size();
    const auto moved = l == 0 ? moving[l] : warp(moving[l], found.back());
    auto step = unit(project(fixed[l], heads[l]), project(moved, heads[l]), groups[l], radius);
    const auto ratio = last ? 1 : strides[l] / strides[l + 1];
    if (!last) step = up(step, ratio);
    if (l > 0) {
      const auto carried = warp(last ? found.back() : up(found.back(), ratio), step);
      for (std::size_t i = 0; i < step.values.size(); ++i) step.values[i] += carried.values[i];
    }
    found.push_back(std::move(step));
  }
  return found;
}

struct Sums {
  double mask = 0, vector = 0, cosine = 0;
};

/// What one sample adds to mask, vector loss and consistency, before the division by the mask.
inline Sums sums(const Map& predicted, const Map& target, const Map& fixed, const Map& moving) {
  Sums out;
  const auto moved = warp(moving, target);
  fixed.each([&](auto z, auto y, auto x) {
    const double extent[] = {fixed.depth - 1.0, fixed.height - 1.0, fixed.width - 1.0};
    const double here[] = {1.0 * z, 1.0 * y, 1.0 * x};
    double distance = 0;
    for (int axis = 0; axis < 3; ++axis) {
      const auto position = here[axis] + target.at(axis, z, y, x);
      if (position < 0 || position > extent[axis]) return;
      distance += std::abs(predicted.at(axis, z, y, x) - target.at(axis, z, y, x));
    }
    double product = 0, square_f = 0, square_m = 0;
    for (std::int64_t c = 0; c < fixed.channels; ++c) {
      product += fixed.at(c, z, y, x) * moved.at(c, z, y, x);
      square_f += fixed.at(c, z, y, x) * fixed.at(c, z, y, x);
      square_m += moved.at(c, z, y, x) * moved.at(c, z, y, x);
    }
    out.mask += 1;
    out.vector += distance;
    out.cosine += product / std::sqrt(square_f * square_m);
  });
  return out;
}

}  // namespace covector::cover::slow
