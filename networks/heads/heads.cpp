#include "covector/networks/heads.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <cmath>
#include <stdexcept>

namespace covector::networks {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kRunningMomentum = 0.1;
constexpr std::int64_t kRowsForBatchStatistics = 8;

}  // namespace

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias) {
  weight = register_parameter("weight", torch::empty({out, in}));
  if (with_bias) bias = register_parameter("bias", torch::empty({out}));
  const torch::NoGradGuard no_grad;
  const auto bound = 1 / std::sqrt(static_cast<double>(in));
  for (auto& parameter : parameters()) parameter.uniform_(-bound, bound);
}

Linear::~Linear() = default;

at::Tensor Linear::forward(const at::Tensor& x) const {
  if (x.dim() == 2) return at::linear(x, weight, bias);
  auto kernel = weight.sizes().vec();
  kernel.resize(x.dim(), 1);
  // Not at::convolution: autocast knows these two names only.
  return x.dim() == 4 ? at::conv2d(x, weight.view(kernel), bias)
                      : at::conv3d(x, weight.view(kernel), bias);
}

HeadNorm head_norm(const std::string& word, std::int64_t rows) {
  if (word == "auto") return rows < kRowsForBatchStatistics ? HeadNorm::layer : HeadNorm::batch;
  if (word == "layer") return HeadNorm::layer;
  if (word == "none") return HeadNorm::none;
  if (word != "batch") throw std::invalid_argument("'" + word + "' is no normalisation of a head");
  if (rows < 2)
    throw RecipeError(
        "[method] 'head_norm' = \"batch\" needs two rows or more, the head sees one; take "
        "\"layer\", or more samples or crops a batch");
  return HeadNorm::batch;
}

FeatureNorm::FeatureNorm(HeadNorm kind, std::int64_t channels, bool affine) : kind_(kind) {
  if (kind_ == HeadNorm::none) return;
  if (affine) {
    weight = register_parameter("weight", torch::ones({channels}));
    bias = register_parameter("bias", torch::zeros({channels}));
  }
  if (kind_ != HeadNorm::batch) return;
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_variance_ = register_buffer("running_var", torch::ones({channels}));
}

FeatureNorm::~FeatureNorm() = default;

at::Tensor FeatureNorm::forward(const at::Tensor& x) {
  if (kind_ == HeadNorm::none) return x;
  if (kind_ == HeadNorm::layer)
    return at::layer_norm(x.movedim(1, -1), {x.size(1)}, weight, bias, kEpsilon).movedim(-1, 1);
  if (is_training() && x.numel() == x.size(1))
    throw std::invalid_argument("batch statistics need more than one row");
  return at::batch_norm(x, weight, bias, running_mean_, running_variance_, is_training(),
                        kRunningMomentum, kEpsilon, true);
}

Head::Head(std::int64_t in, std::vector<HeadLayer> layers, HeadNorm norm)
    : in_(in), layers_(std::move(layers)), norm_(norm) {
  if (layers_.empty()) throw std::invalid_argument("a head needs a layer");
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto& layer = layers_[i];
    linears_.push_back(register_module("linear" + std::to_string(i),
                                       std::make_shared<Linear>(in, layer.width, layer.bias)));
    norms_.emplace_back();
    if (layer.norm != HeadLayer::Norm::none)
      norms_.back() = register_module(
          "norm" + std::to_string(i),
          std::make_shared<FeatureNorm>(norm_, layer.width, layer.norm == HeadLayer::Norm::affine));
    in = layer.width;
  }
}

Head::~Head() = default;

at::Tensor Head::forward(const at::Tensor& x) {
  auto y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    y = linears_[i]->forward(y);
    if (norms_[i]) y = norms_[i]->forward(y);
    if (layers_[i].relu) y = at::relu(y);
  }
  return y;
}

std::shared_ptr<Head> Head::fresh() const {
  return std::make_shared<Head>(in_, layers_, norm_);
}

std::shared_ptr<Head> two_layer_head(std::int64_t in, std::int64_t hidden, std::int64_t out) {
  return std::make_shared<Head>(
      in, std::vector<HeadLayer>{{.width = hidden, .relu = true}, {.width = out}});
}

}  // namespace covector::networks
