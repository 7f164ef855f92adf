#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covector::losses {

/// A measure of a set of cases that is no mean over them. Without a value, `reason` says why there
/// is none; with one, why there is no interval, if there is not.
///
/// `contributions` are one a case, in their order. Their mean is the measure, and 1 / n of their
/// variance is its variance over sets of cases (the delta method): two classifiers of the same
/// cases are compared by the differences of their contributions.
struct SetScore {
  std::optional<double> percent;
  std::optional<double> low, high;  // 95 % confidence interval, %
  std::string reason;
  std::vector<double> contributions;  // %; empty without a value
};

/// Area under the receiver operating characteristic: the chance that a positive case scores higher
/// than a negative one, ties counting half.
///
///   psi(x, y) = 1 for x > y, 1/2 for x = y, 0 for x < y     m positive x_i, n negative y_j
///   V10_i = 1/n sum_j psi(x_i, y_j),  V01_j = 1/m sum_i psi(x_i, y_j)
///   A     = 1/m sum_i V10_i = 1/n sum_j V01_j
///   var A = S10 / m + S01 / n,  S10 = sum_i (V10_i - A)^2 / (m - 1), S01 likewise
///
/// with the interval A +- 1.96 sqrt(var A), cut to [0, 1]. There is none with a single case of
/// either class, where S10 or S01 is undefined, and none where the classes are parted without
/// error, where the variance is 0 whatever the number of cases. The contributions are
/// A + (m + n) / m (V10_i - A) of a positive case and A + (m + n) / n (V01_j - A) of a negative
/// one: their differences between two classifiers have DeLong's variance of the difference of
/// areas, but for m and n in place of m - 1 and n - 1.
///
/// @param scores    higher for what is more likely positive, finite
/// @param positive  the truth, one a score
/// @throws          std::invalid_argument when the lengths differ or a score is not finite
/// Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44, 1988; by midranks after
/// X. Sun, W. Xu, IEEE Signal Processing Letters 21, 2014.
COVECTOR_API SetScore roc_area(const std::vector<double>& scores,
                               const std::vector<bool>& positive);

/// How many of some cases were called right: sensitivity over those of a class, specificity over
/// the others. A contribution is P + n / n_among (right - P) of a case among them, and P of the
/// others. No interval.
/// @param among  the cases that count
/// @param right  whether each was called right; read for those that count
/// @throws       std::invalid_argument when the lengths differ
COVECTOR_API SetScore share_right(const std::vector<bool>& among, const std::vector<bool>& right);

}  // namespace covector::losses
