#pragma once

#include <ATen/core/Tensor.h>

namespace covector::setsim {

/// How much each cell stands out among those of its view: the mean square of its features, scaled
/// to unit length over the cells, then to 0 .. 1 (guard 1e-10). Without gradient.
/// @param cells  [N, n, C]
/// @returns      [N, n]
at::Tensor attention(const at::Tensor& cells);

struct Thresholds {
  double attention;   // a cell is attentive from here on
  double similarity;  // cosine that attentive cells need to be a pair
  double geometry;    // cells nearer than this are a pair, in diagonals of a cell
  bool nearest;       // the most similar cell joins every row that has a positive
};

/// Which cells of the key view are positives of which cells of the query view: M, without gradient.
///
///   M = (a_i and a'_j attentive, cos(f_i, f'_j) >= similarity)  or  distance_ij < geometry
///
/// @param query, key  [N, n, C] backbone features
/// @param distance    [N, n, n] between centres, in diagonals of the larger cell
/// @returns           [N, n, n] boolean
/// Source: code DerrickWang005/SetSim.pytorch, setstim/matcher.py.
at::Tensor positives(const at::Tensor& query, const at::Tensor& key, const at::Tensor& distance,
                     const Thresholds& thresholds);

}  // namespace covector::setsim
