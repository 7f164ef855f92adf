#include "covector/networks/dense_moco.h"

#include "covector/networks/matching.h"
#include "covector/networks/momentum.h"
#include "covector/networks/pooling.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <string>

namespace covector::networks {
namespace {

DenseMoco::Features features(const at::Tensor& image, Backbone& backbone, Head& image_head,
                             Head& dense_head, std::int64_t cells) {
  const auto levels = backbone.pyramid(image);
  const auto pooled = pool_global(levels.front());
  const auto grid = pool_cells(levels.back(), cells);
  return {rows_of(grid), pooled, image_head.forward(pooled), rows_of(dense_head.forward(grid))};
}

}  // namespace

DenseMoco::DenseMoco(const DenseMocoOptions& options, const std::vector<std::int64_t>& view_size,
                     std::shared_ptr<Backbone> backbone)
    : momentum_(options.momentum), backbone_(std::move(backbone)) {
  const bool plane = backbone_->dimensions() == 2;
  cells_ = options.cells.value_or(plane ? 12 : 6);
  const auto shortest = *std::min_element(view_size.begin(), view_size.end());
  if (cells_ > shortest)
    throw RecipeError("[method] 'cells' is " + std::to_string(cells_) +
                      ", more than the shortest side of 'crop', which has " +
                      std::to_string(shortest) + " voxels");
  const auto head = [&](std::int64_t channels) {
    return two_layer_head(channels, options.hidden, options.embedding);
  };
  image_head_ = register_module("image_head", head(backbone_->channels().front()));
  dense_head_ = register_module("dense_head", head(backbone_->channels().back()));
  key_backbone_ = register_module("key_backbone", momentum_copy(*backbone_));
  key_image_head_ = register_module("key_image_head", momentum_copy(*image_head_));
  key_dense_head_ = register_module("key_dense_head", momentum_copy(*dense_head_));
  const auto queue = [&](std::optional<std::int64_t> capacity, std::int64_t rule) {
    return std::make_shared<Queue>(capacity.value_or(rule), options.embedding);
  };
  image_queue_ = register_module("image_queue", queue(options.queue, plane ? 65536 : 4096));
  dense_queue_ = register_module("dense_queue", queue(options.dense_queue, plane ? 16384 : 4096));
}

DenseMoco::~DenseMoco() = default;

DenseMoco::Features DenseMoco::query(const at::Tensor& image) const {
  return features(image, *backbone_, *image_head_, *dense_head_, cells_);
}

DenseMoco::Features DenseMoco::key(const at::Tensor& image) const {
  const torch::NoGradGuard no_grad;
  return features(image, *key_backbone_, *key_image_head_, *key_dense_head_, cells_);
}

void DenseMoco::hold(const at::Tensor& image_keys, const at::Tensor& dense_keys) {
  image_queue_->hold(image_keys);
  dense_queue_->hold(dense_keys);
}

void DenseMoco::advance() {
  image_queue_->store();
  dense_queue_->store();
  follow(*backbone_, *key_backbone_, momentum_);
  follow(*image_head_, *key_image_head_, momentum_);
  follow(*dense_head_, *key_dense_head_, momentum_);
}

std::map<std::string, Embedding> DenseMoco::embed(const at::Tensor& first,
                                                  const at::Tensor& second) const {
  const torch::NoGradGuard no_grad;
  const auto one = query(first);
  const auto two = query(second);
  const auto partner = nearest_rows(one.cells, two.cells).squeeze(2);
  return {{"h", {one.pooled, two.pooled}},
          {"z", {one.dense.flatten(0, 1), take_rows(two.dense, partner).flatten(0, 1)}},
          {"z_global", {one.image, two.image}}};
}

}  // namespace covector::networks
