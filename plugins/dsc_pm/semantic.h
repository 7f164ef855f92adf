#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace covector::dsc_pm {

/// What a cell's category is measured against: one direction for each of C categories.
class Prototypes final : public torch::nn::Module {
 public:
  /// Normal numbers, then unit rows.
  Prototypes(std::int64_t count, std::int64_t width);
  /// Cosines of unit rows with every prototype: [..., width] -> [..., C].
  /// @param frozen  no gradient goes into the prototypes
  at::Tensor scores(const at::Tensor& rows, bool frozen) const;
  /// Scales the rows to unit length again, in place and without gradient.
  void renormalise();

 private:
  at::Tensor weight_;  // [C, width]
};

/// Which cells show more than background: mean intensity over a cell's voxels and channels of at
/// least `threshold`.
/// @param image  [N, C, *size]
/// @returns      [N, cells^d] boolean
at::Tensor foreground(const at::Tensor& image, std::int64_t cells, double threshold);

/// The codes of cells: Sinkhorn over the scores of all cells that count, of the whole batch.
/// @param scores   [N, n, C]
/// @param counted  [N, n] boolean
/// @returns        [N, n, C] without gradient; rows sum to 1, those of other cells to 0
at::Tensor codes_of(const at::Tensor& scores, const at::Tensor& counted, double epsilon,
                    std::int64_t iterations);

/// Cross entropy of what scores predict against codes: the mean over counted cells of
/// -sum_c Q_c log softmax(s / t)_c, 0 where none counts. No gradient goes into the codes.
/// @param codes, scores  [N, n, C]
/// @param counted        [N, n] boolean
at::Tensor predicted_code_loss(const at::Tensor& codes, const at::Tensor& scores,
                               const at::Tensor& counted, double temperature);

/// At most `count` cells of each sample, drawn evenly from those that count; others fill up where
/// there are too few. Draws from LibTorch's default generator.
/// @returns  [N, min(count, n)] int64
at::Tensor draw_cells(const at::Tensor& counted, std::int64_t count);

}  // namespace covector::dsc_pm
