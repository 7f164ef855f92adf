#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::networks {

/// Mean over all voxels: [N, C, *size] -> [N, C].
COVECTOR_API at::Tensor pool_global(const at::Tensor& map);

/// Means over `cells` along every axis: [N, C, *size] -> [N, C, cells, ...]. Cell i of an axis of
/// length n covers the voxels floor(i n / cells) .. ceil((i + 1) n / cells) - 1.
/// Source: adaptive average pooling, DenseCL's `num_grid`.
COVECTOR_API at::Tensor pool_cells(const at::Tensor& map, std::int64_t cells);

/// A map as one row a voxel, the last axis fastest: [N, C, *size] -> [N, voxels, C].
COVECTOR_API at::Tensor rows_of(const at::Tensor& map);

}  // namespace covector::networks
