#pragma once

#include "analysis/features.h"

#include <map>
#include <string>
#include <vector>

namespace covector {

/// What frozen features say of labels while a network is pretrained: a linear classifier of pixels
/// and their nearest neighbours, on validation images with labels, which no pretraining sees.
///
/// Every second validation image fits the two, the others are measured; at most 8 of each, spread
/// evenly and cut to a window about what is labelled. Features are the finest level's in evaluation
/// mode, in float32. Images and pixels are drawn once, from a stream of their own, so that looking
/// changes nothing of the training.
class COVECTOR_API Probe {
 public:
  /// Throws RecipeError, naming loop.probe_every, where the dataset has no labels of voxels or
  /// fewer than two validation images.
  static void check(const Dataset& dataset);

  Probe(const Dataset& dataset, const Backbone& backbone, at::Device device);

  /// "probe/linear_dice" and "probe/nearest_dice", % over the pixels that are measured, the mean
  /// over labels that they have; and "probe/seconds", what it cost.
  std::map<std::string, double> measure(Backbone& backbone) const;

 private:
  struct Part {
    std::vector<at::Tensor> windows;    // [1, C, *size]
    std::vector<at::Tensor> positions;  // flat, on the finest level
    at::Tensor labels;                  // [n]
  };
  at::Tensor features_of(Backbone& backbone, const Part& part) const;

  std::int64_t classes_;
  Part fitted_, measured_;
};

/// The class of each query by ridge regression of one-hot classes on standardised features:
///
///   W = (Z^T Z + n I / 1000)^-1 Z^T (Y - mean Y),  Z the features less their mean, over their
///   standard deviation (n);  class = argmax(z W + mean Y)
///
/// @param features  [n, C] float64;  labels [n] int64;  queries [m, C] float64
/// @returns         [m] int64
/// Source: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 4.1.3, with the
/// penalty of A. E. Hoerl, R. W. Kennard, Technometrics 12, 1970.
COVECTOR_API at::Tensor ridge_classes(const at::Tensor& features, const at::Tensor& labels,
                                      std::int64_t classes, const at::Tensor& queries);

/// The class that most of a query's 10 nearest features have, by cosine; the lowest of those tied.
COVECTOR_API at::Tensor nearest_classes(const at::Tensor& features, const at::Tensor& labels,
                                        std::int64_t classes, const at::Tensor& queries);

/// 100 * 2 |A and B| / (|A| + |B|) of predicted and true pixels, the mean over labels above 0 that
/// are in the truth; 0 where it has none.
COVECTOR_API double mean_dice(const at::Tensor& predicted, const at::Tensor& truth,
                              std::int64_t classes);

}  // namespace covector
