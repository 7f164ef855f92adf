#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace covector::losses {

/// How often each true class was given each predicted one.
/// @param prediction, truth  label maps of one case, same shape, int64 values 0 .. classes - 1
/// @returns                  [classes, classes] int64 on the device of the maps: entry (t, p)
/// counts
///                           the voxels of class t that were called p
/// @throws                   std::invalid_argument when the shapes differ or, for maps on the CPU,
///                           when a label is out of range
COVECTOR_API at::Tensor confusion(const at::Tensor& prediction, const at::Tensor& truth,
                                  std::int64_t classes);

/// One Dice score. Without a value, `reason` says why there is none.
struct DiceScore {
  std::optional<double> percent;
  std::string reason;
};

/// Dice similarity coefficient of one class of one case.
///
///   DSC = 100 * 2 |A and B| / (|A| + |B|)
///
/// A structure that neither map holds has no score: there was nothing to find, and both 0 and 100
/// would distort a mean. One that only one map holds scores 0.
/// @param counts  what confusion() gives
/// @param label   the class
/// @throws        std::invalid_argument when `counts` is not square or has no such class
/// Source: L. R. Dice, Ecology 26, 1945. Departure: the evaluation code of GVSL adds 1e-6 to the
/// denominator, which turns the undefined case into 0.
COVECTOR_API DiceScore dice_score(const at::Tensor& counts, std::int64_t label);

/// The same from the two label maps of a case.
/// @param prediction, truth  same shape, integer
COVECTOR_API DiceScore dice_score(const at::Tensor& prediction, const at::Tensor& truth,
                                  std::int64_t label);

}  // namespace covector::losses
