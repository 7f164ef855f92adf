#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covector {

struct Interval {
  double low = 0;
  double high = 0;
};

/// Percentile of some values, interpolated between neighbours in their order x_0 <= ... <= x_n-1:
///
///   k + f = percent / 100 (n - 1),  0 <= f < 1:  (1 - f) x_k + f x_k+1
///
/// as numpy.percentile does.
/// @param percent  0 to 100
/// @throws         std::invalid_argument without values, or with a percentage outside
COVECTOR_API double percentile(std::vector<double> values, double percent);

/// 95 % interval of a mean by the percentile bootstrap: percentiles 2.5 and 97.5 of the means of
/// 10,000 sets, each of as many values drawn with replacement, from a fixed stream.
/// @throws  std::invalid_argument without values
/// Source: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
COVECTOR_API Interval bootstrap_interval(const std::vector<double>& values);

/// As above, of the mean over repetitions of each one's mean over cases, where both are drawn with
/// replacement: what the number might have been with other seeds and other cases. With a single
/// repetition only cases are drawn. Every repetition of a set sees the same cases.
///
/// @param values  [repetition][case], nothing where a case has no value; such are left out of means
/// @throws        std::invalid_argument where a repetition has no value, or their lengths differ
COVECTOR_API Interval
bootstrap_interval(const std::vector<std::vector<std::optional<double>>>& values);

/// Outcome of a test of whether paired differences are centred at zero.
struct SignedRank {
  double statistic = 0;    // the smaller one of the sums of ranks of positive and negative values
  double p = 1;            // two-sided
  std::int64_t pairs = 0;  // differences that are not zero
  bool exact = false;      // p by the law of the statistic itself, not by the normal one
};

/// Wilcoxon's signed-rank test of paired differences.
///
/// Zeros are left out; the absolute values of the others are ranked, ties by the mean of their
/// ranks. With n values left and t_j of each tied one,
///
///   W+ = sum of the ranks of positive values,  z = (W+ - n (n + 1) / 4) / s
///   s^2 = (n (n + 1) (2 n + 1) - sum_j (t_j^3 - t_j) / 2) / 24
///
/// p is 2 min(P(W <= W+), P(W >= W+)), at most 1, over all 2^n signs where there are up to 13
/// differences, or up to 50 without zero or tie; else that of the normal law at z, without
/// correction for continuity. This is scipy.stats.wilcoxon(d) of SciPy 1.17 with its defaults:
/// zero_method="wilcox", correction=False, alternative="two-sided", method="auto".
/// Departure: where every difference is zero p is 1; SciPy gives NaN for more than 13 of them.
///
/// @throws  std::invalid_argument without differences or with one that is not finite
/// Source: F. Wilcoxon, Individual Comparisons by Ranking Methods, Biometrics Bulletin 1, 1945.
COVECTOR_API SignedRank signed_rank_test(const std::vector<double>& differences);

/// Two-sided p of a mean whose values come from strata of fixed sizes:
///
///   z = mean / sqrt(sum_c (n_c / n)^2 s_c^2 / n_c)     s_c^2 with n_c - 1
///
/// against the normal law. Where the values are differences of two classifiers' contributions to an
/// area under a ROC curve (losses::roc_area), and the strata the two classes, it is the paired test
/// of DeLong et al., Biometrics 44, 1988, exactly.
///
/// @param strata  the stratum of each value
/// @returns       nothing where a stratum has a single value or all variances are zero
/// @throws        std::invalid_argument when the lengths differ or there are no values
COVECTOR_API std::optional<double> stratified_mean_p(const std::vector<double>& values,
                                                     const std::vector<std::string>& strata);

struct Correlation {
  double r = 0;
  double p = 1;  // two-sided, of r = 0 where both variables are normal
};

/// Pearson's correlation of two variables.
///
///   r = sum (x - mean x)(y - mean y) / sqrt(sum (x - mean x)^2 sum (y - mean y)^2)
///
/// Its p is by the law of r, (r + 1) / 2 ~ Beta(n / 2 - 1, n / 2 - 1), as scipy.stats.pearsonr has
/// it; 1 with two pairs.
///
/// @returns  nothing where a variable is constant: the correlation is then not defined
/// @throws   std::invalid_argument when the lengths differ or there are fewer than two pairs
COVECTOR_API std::optional<Correlation> pearson(const std::vector<double>& x,
                                                const std::vector<double>& y);

}  // namespace covector
