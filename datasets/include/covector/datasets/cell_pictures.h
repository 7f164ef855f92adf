#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <filesystem>

namespace covector::datasets {

/// Labels of a grid of cells as labels of the voxels that they cover, cell i of an axis of length n
/// those with i = floor(p cells / n).
/// @param labels  [cells^d], the last axis fastest
/// @param size    d numbers
/// @returns       [1, *size]
/// @throws        std::invalid_argument when there is no such number of cells
COVECTOR_API at::Tensor cells_on_voxels(const at::Tensor& labels, at::IntArrayRef size);

/// Shows which cells of two views are taken for each other: pictures "0-query", "0-key", "1-query",
/// ... of the first samples. Up to seven cells of the query view that have a positive, evenly
/// spread, are coloured; in the key view their positives bear the same colours (one of several
/// claims a cell). Of a volume the middle slice is shown, and query cells are taken from it.
/// @param query, key  images [N, C, *size]
/// @param positive    [N, n, n] boolean, n = cells^d: which cells of the key view (last) are
///                    positives of which of the query view
/// @throws            DataError with the path when a file cannot be written
COVECTOR_API void draw_cell_pairs(const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& positive, const std::filesystem::path& folder);

}  // namespace covector::datasets
