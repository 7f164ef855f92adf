#pragma once

#include "covector/core/spatial_map.h"
#include "covector/networks/blocks.h"

#include <torch/nn/module.h>

#include <memory>
#include <vector>

namespace covector::cover {

/// Projects one level's features to what a vector embedding unit compares: a 1x1 convolution with
/// bias, then GroupNorm over all channels together. Parameters: norm.*, proj.*.
class Head final : public torch::nn::Module {
 public:
  Head(std::int64_t dimensions, std::int64_t in, std::int64_t out);
  at::Tensor forward(const at::Tensor& features) const {
    return norm_->forward(proj_->forward(features));
  }

 private:
  std::shared_ptr<networks::GroupNorm> norm_;
  std::shared_ptr<networks::Conv> proj_;
};

/// Vector pyramid aggregation (VPA): from two feature pyramids to the displacement vector field
/// that tells each voxel of the fixed view where its content lies in the moving one.
///
/// With levels l = first .. last (0 is the coarsest), r(l) the step from the grid of level l to
/// that of l + 1 and up(v) = r(l) v, interpolated onto the finer grid,
///
///   w_l    = up(mean over groups of VEU(head_l(F_l), head_l(M_l warped by flow_{l-1})))
///   flow_l = warp(up(flow_{l-1}), w_l) + w_l,   flow_first = w_first
///
/// The first level warps nothing; the last is not interpolated (r = 1). Heads are sub-modules named
/// by their level.
/// Source: Y. He, S. Li, COVER, ICCV 2025. The authors' code fixes r at 2; here it is the ratio of
/// the backbone's strides, which is the same for its U-Net.
class VectorPyramid final : public torch::nn::Module {
 public:
  struct Shape {
    std::int64_t dimensions;
    std::vector<std::int64_t> channels;  // of the backbone's levels, coarsest first
    std::vector<std::int64_t> strides;
    std::vector<std::int64_t> groups;  // one number a level, for the levels from first on
    std::int64_t head_dim;
    std::int64_t radius;
    GridConvention convention;
  };
  explicit VectorPyramid(Shape shape);

  /// The first level that has a vector embedding unit: the backbone's levels less the groups given.
  std::size_t first() const { return shape_.channels.size() - shape_.groups.size(); }

  struct Flows {
    /// flow_l for l = first .. last: [N, d, *size] in voxels of its grid, which is that of level
    /// l + 1 and, for the last, its own. float64 for float64 features, else float32.
    std::vector<at::Tensor> levels;
    /// Largest weight of any unit's softmax, a scalar without gradient: 1 where one neighbour takes
    /// all, the case that falls back to binary contrast.
    at::Tensor largest_weight;
  };
  /// @param fixed, moving  pyramids as the backbone gives them
  Flows forward(const std::vector<at::Tensor>& fixed, const std::vector<at::Tensor>& moving) const;

 private:
  Shape shape_;
  std::vector<std::shared_ptr<Head>> heads_;
};

/// A displacement vector field on a grid `ratio` times as fine, in voxels of that grid; linear,
/// corner centres in place.
at::Tensor refine(const at::Tensor& displacement, std::int64_t ratio);

}  // namespace covector::cover
