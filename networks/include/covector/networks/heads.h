#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

namespace covector::networks {

/// A fully connected layer on the channels of rows [n, in] or of every voxel of a map
/// [N, in, *size], where it is a 1x1 convolution. Starts as PyTorch's does: uniform in
/// +-1 / sqrt(in).
class COVECTOR_API Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool with_bias = true);
  ~Linear() override;
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out], undefined without
};

/// What stands where a head has a normalisation: statistics over all rows (a voxel is a row), over
/// the channels of each row, or nothing.
enum class HeadNorm { batch, layer, none };

/// The small-batch rule: "auto" is batch from 8 rows a call on and layer below. With 2 rows batch
/// statistics are a sign function: values that differ by 0.1 become +-0.998, and the gradient stays
/// in the units where they nearly tie. "batch", "layer", "none" are taken as they are.
/// @param rows  that the head sees in one call while training
/// @throws      RecipeError for "batch" with one row, std::invalid_argument for another word
COVECTOR_API HeadNorm head_norm(const std::string& word, std::int64_t rows);

/// Normalisation of the channels of rows or of every voxel, eps 1e-5. `batch` keeps running
/// statistics (momentum 0.1) for evaluation.
class COVECTOR_API FeatureNorm : public torch::nn::Module {
 public:
  /// @param affine  with a scale and a shift per channel, starting at 1 and 0
  FeatureNorm(HeadNorm kind, std::int64_t channels, bool affine);
  ~FeatureNorm() override;
  /// Throws std::invalid_argument for `batch` with one row in training.
  at::Tensor forward(const at::Tensor& x);

  at::Tensor weight;  // [channels]; undefined without affine and for `none`
  at::Tensor bias;

 private:
  HeadNorm kind_;
  at::Tensor running_mean_;  // `batch` only
  at::Tensor running_variance_;
};

/// One layer of a head: linear, then normalisation, then ReLU, the latter two where asked for.
struct HeadLayer {
  enum class Norm { none, plain, affine };
  std::int64_t width;
  bool bias = true;
  Norm norm = Norm::none;
  bool relu = false;
};

/// A projection or prediction head: layers on rows [n, in] -> [n, width] or on every voxel of a
/// map. Sub-modules are named linear0, norm0, linear1, ...
class COVECTOR_API Head : public torch::nn::Module {
 public:
  Head(std::int64_t in, std::vector<HeadLayer> layers, HeadNorm norm = HeadNorm::none);
  ~Head() override;
  at::Tensor forward(const at::Tensor& x);
  std::int64_t width() const { return layers_.back().width; }
  /// Another head of this shape, with first weights of its own.
  std::shared_ptr<Head> fresh() const;

 private:
  std::int64_t in_;
  std::vector<HeadLayer> layers_;
  HeadNorm norm_;
  std::vector<std::shared_ptr<Linear>> linears_;
  std::vector<std::shared_ptr<FeatureNorm>> norms_;  // null where a layer has none
};

/// Linear in -> hidden, ReLU, linear -> out, with biases and without normalisation: the head of
/// SimCLR, MoCo v2, DenseCL and SetSim.
COVECTOR_API std::shared_ptr<Head> two_layer_head(std::int64_t in, std::int64_t hidden,
                                                  std::int64_t out);

}  // namespace covector::networks
