#include "pixpro.h"

#include "propagation.h"

#include "covector/losses/contrast.h"
#include "covector/networks/momentum.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/chains.h"
#include "covector/transforms/correspondence.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

namespace covector::pixpro {
namespace {

using losses::unit;
using networks::Head;
using networks::HeadLayer;

constexpr auto kAffine = HeadLayer::Norm::affine;
constexpr std::int64_t kEmbedded = 4096;  // rows that embed() gives at most

std::shared_ptr<Head> value_transform(std::int64_t layers, std::int64_t width,
                                      networks::HeadNorm norm) {
  if (layers == 0) return nullptr;
  if (layers == 1) return std::make_shared<Head>(width, std::vector<HeadLayer>{{width}});
  return std::make_shared<Head>(
      width, std::vector<HeadLayer>{{.width = width, .norm = kAffine, .relu = true}, {width}},
      norm);
}

at::Tensor image_loss(const PixPro::Look& prediction, const PixPro::Look& target) {
  return -2 * losses::cosine_to(prediction.image, target.image).mean();
}

}  // namespace

PixPro::PixPro(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  cells_ = options.cells.value_or(backbone_->dimensions() == 2 ? 24 : 8);
  const auto shortest = *std::min_element(options_.crop.begin(), options_.crop.end());
  if (cells_ * backbone_->strides().back() > shortest)
    throw RecipeError("[method] 'cells' is " + std::to_string(cells_) +
                      ", more than the finest level has voxels along the shortest side of 'crop', "
                      "which is " +
                      std::to_string(shortest / backbone_->strides().back()));
  const auto rows =
      input.batch * static_cast<std::int64_t>(std::pow(cells_, input.input.dimensions));
  const auto norm = networks::head_norm(options_.head_norm, rows);
  const auto channels = backbone_->channels().back();
  const auto width = options_.embedding;

  projector_ = register_module("projector", projector(norm, channels));
  if (auto value = value_transform(options_.value_layers, width, norm))
    value_ = register_module("value", std::move(value));
  key_backbone_ = register_module("key_backbone", networks::momentum_copy(*backbone_));
  key_projector_ = register_module("key_projector", networks::momentum_copy(*projector_));
  if (options_.image_weight == 0) return;
  image_projector_ = register_module("image_projector", projector(norm, channels));
  image_predictor_ = register_module("image_predictor", projector(norm, width));
  key_image_projector_ =
      register_module("key_image_projector", networks::momentum_copy(*image_projector_));
}

std::shared_ptr<Head> PixPro::projector(networks::HeadNorm norm, std::int64_t in) const {
  return std::make_shared<Head>(
      in,
      std::vector<HeadLayer>{{.width = options_.hidden, .norm = kAffine, .relu = true},
                             {options_.embedding}},
      norm);
}

std::vector<ViewSpec> PixPro::views() const {
  // As the authors': one view is always blurred, the other seldom, and only it is solarised.
  auto first = transforms::dense_chain(options_.crop);
  auto second = first;
  first.blur_probability = 1.0;
  second.blur_probability = 0.1;
  second.solarise_probability = 0.2;
  return {{"first", transforms::chain_of(first)}, {"second", transforms::chain_of(second)}};
}

PixPro::Look PixPro::predict(const at::Tensor& image) const {
  const auto map = networks::pool_cells(backbone_->pyramid(image).back(), cells_);
  const auto x = projector_->forward(map);
  const auto values = value_ ? value_->forward(x) : x;
  Look look;
  look.cells = unit(
      propagate(networks::rows_of(x), networks::rows_of(values), options_.power, options_.clamp),
      2);
  if (image_predictor_)
    look.image =
        unit(networks::pool_global(image_predictor_->forward(image_projector_->forward(map))));
  return look;
}

PixPro::Look PixPro::target(const at::Tensor& image) const {
  const torch::NoGradGuard no_grad;
  const auto map = networks::pool_cells(key_backbone_->pyramid(image).back(), cells_);
  Look look;
  look.cells = unit(networks::rows_of(key_projector_->forward(map)), 2);
  if (key_image_projector_)
    look.image = unit(networks::pool_global(key_image_projector_->forward(map)));
  return look;
}

at::Tensor PixPro::near(const View& first, const View& second, const at::Device& device) const {
  const auto grid = [&](const View& view) {
    const auto cells = transforms::cell_grid(view.map(), cells_);
    return transforms::CellGrid{cells.centres.to(device, true), cells.diagonal.to(device, true)};
  };
  return transforms::cell_distance(grid(first), grid(second)) < options_.threshold;
}

StepResult PixPro::step(Views& views, const StepInfo& info) {
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto near_cells = near(first, second, first.image().device());
  // The copy first: nothing of it is kept while the online branch fills the memory.
  const auto first_target = target(first.image());
  const auto second_target = target(second.image());
  const auto first_look = predict(first.image());
  const auto second_look = predict(second.image());

  const auto cells = consistency(first_look.cells, second_target.cells, near_cells) +
                     consistency(second_look.cells, first_target.cells, near_cells.transpose(1, 2));
  auto loss = cells;
  Logs logs;
  if (image_predictor_) {
    const auto image =
        image_loss(first_look, second_target) + image_loss(second_look, first_target);
    loss = loss + options_.image_weight * image;
    logs["pixpro/image_cosine"] = image.detach() / -4;
  }
  if (!info.logged) return {loss, {}};
  const auto count = near_cells.sum({1, 2});
  logs["pixpro/cosine"] = cells.detach() / -4;
  logs["pixpro/near_cells"] = near_cells.sum(2).to(torch::kFloat32).mean();
  logs["pixpro/without_near_cells"] = (count == 0).sum();
  logs["pixpro/momentum"] =
      torch::full({}, networks::cosine_momentum(options_.momentum, info.step, info.total));
  return {loss, logs};
}

void PixPro::after_step(std::int64_t step, std::int64_t total) {
  const auto momentum = networks::cosine_momentum(options_.momentum, step + 1, total);
  networks::follow(*backbone_, *key_backbone_, momentum);
  networks::follow(*projector_, *key_projector_, momentum);
  if (image_projector_) networks::follow(*image_projector_, *key_image_projector_, momentum);
}

std::map<std::string, Embedding> PixPro::embed(Views& views) {
  const torch::NoGradGuard no_grad;
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto look = [&](View& view) {
    const auto levels = backbone_->pyramid(view.image());
    const auto map = networks::pool_cells(levels.back(), cells_);
    return std::pair(networks::pool_global(levels.front()),
                     unit(networks::rows_of(projector_->forward(map)), 2));
  };
  const auto [first_h, first_z] = look(first);
  const auto [second_h, second_z] = look(second);
  // Pairs of near cells, evenly spread over all of them.
  const auto all = near(first, second, first_z.device()).nonzero();
  const auto pairs = all.slice(0, 0, all.size(0), all.size(0) / kEmbedded + 1);
  const auto rows = [&](const at::Tensor& z, std::int64_t column) {
    return z.index({pairs.select(1, 0), pairs.select(1, column)});
  };
  return {{"h", {first_h, second_h}}, {"z", {rows(first_z, 1), rows(second_z, 2)}}};
}

}  // namespace covector::pixpro
