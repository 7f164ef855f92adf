#pragma once

#include "covector/core/backbone.h"

#include <functional>
#include <string>

namespace covector::networks {

/// What backbones share that read weights of their authors' code.

/// Takes the tensors of these names out and reports them as ignored, with the reason.
COVECTOR_API void leave_out(Translation& translation,
                            const std::function<bool(const std::string&)>& of_these,
                            const std::string& why);

/// How a table of positions is brought to a grid of another size.
///   linear_corners  bilinear, the corners in place
///   bicubic         cubic convolution with a = -0.75, pixels as areas
enum class TableResize { linear_corners, bicubic };

/// A table with a row for each cell of a square grid, row after row, for a grid of another size.
/// @param table  [n^2, C]
/// @param rows   m^2
/// @returns      [m^2, C]
/// @throws       std::invalid_argument where either is no square
COVECTOR_API at::Tensor resize_table(const at::Tensor& table, std::int64_t rows,
                                     TableResize resize);

/// The side of a square grid of that many cells, or 0 for a number that is no square.
COVECTOR_API std::int64_t square_side(std::int64_t cells);

/// "NAME: [169, 3] -> [529, 3], bicubic"
COVECTOR_API std::string describe_change(const std::string& name, const at::Tensor& before,
                                         const at::Tensor& after, const std::string& how);

}  // namespace covector::networks
