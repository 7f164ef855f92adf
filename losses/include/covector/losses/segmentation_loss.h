#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// Which soft Dice.
///   gvsl:      for each sample and class, smooth 1; the mean over both.
///   transunet: sums over batch and space, smooth 1e-5; the mean over classes.
enum class DiceForm { gvsl, transunet };

/// Soft Dice loss of logits against labels, background included.
///
///   p = softmax(logits), y = one-hot(labels)
///   L = 1 - mean (2 sum p y + s) / (sum p^2 + sum y^2 + s)
///
/// The sums run over space (gvsl: s = 1) or batch and space (transunet: s = 1e-5). Half precision
/// is accumulated in float32.
/// @param logits  [N, K, *size] floating point
/// @param labels  [N, 1, *size] int64, 0 .. K - 1
/// @returns       scalar in [0, 1], no unit
/// @throws        std::invalid_argument when the shapes disagree or, for labels on the CPU, when
/// one
///                is out of range (on a GPU the library stops the process)
/// Sources: the downstream code of Y. He et al., GVSL, CVPR 2023 (gvsl); the losses of TransUNet
/// (J. Chen et al., 2021) and Swin-Unet (H. Cao et al., 2021) (transunet).
COVECTOR_API at::Tensor dice_loss(const at::Tensor& logits, const at::Tensor& labels,
                                  DiceForm form = DiceForm::gvsl);

/// Which cross-entropy.
///   standard: mean over pixels of -log softmax at the label.
///   gvsl:     mean over pixels and classes of -y log(softmax + 1e-6), about a K-th of the
///   standard.
enum class CrossEntropyForm { standard, gvsl };

/// Cross-entropy of logits against labels; shapes and errors as dice_loss.
/// @returns scalar, in nats, at least 0 (gvsl: at least -1e-6 / K)
COVECTOR_API at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels,
                                      CrossEntropyForm form = CrossEntropyForm::standard);

}  // namespace covector::losses
