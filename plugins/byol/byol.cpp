#include "byol.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/contrast.h"
#include "covector/networks/momentum.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::byol {
namespace {

using networks::Head;
using networks::HeadLayer;

std::shared_ptr<Head> head(std::int64_t in, const Options& options, networks::HeadNorm norm) {
  return std::make_shared<Head>(
      in,
      std::vector<HeadLayer>{
          {.width = options.hidden, .norm = HeadLayer::Norm::affine, .relu = true},
          {.width = options.embedding, .bias = false}},
      norm);
}

}  // namespace

Byol::Byol(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop =
      transforms::view_size("crop", options.crop, *backbone_, input.batch * options.crops);
  const auto norm = networks::head_norm(options.head_norm, input.batch * options.crops);
  projector_ = register_module("projector", head(backbone_->encoder_channels(), options, norm));
  predictor_ = register_module("predictor", head(options.embedding, options, norm));
  target_backbone_ = register_module("target_backbone", networks::momentum_copy(*backbone_));
  target_projector_ = register_module("target_projector", networks::momentum_copy(*projector_));
}

std::vector<ViewSpec> Byol::views() const {
  auto first = transforms::pair_chain(options_, options_.crop);
  auto second = first;
  if (options_.augmentation == "standard") {
    first.blur_probability = 1.0;
    second.blur_probability = 0.1;
    second.solarise_probability = options_.solarise;
  }
  return transforms::view_pair(options_, first, second);
}

networks::GlobalFeatures Byol::online(View& view) {
  return networks::global_features(*backbone_, *projector_, view.image());
}

networks::GlobalFeatures Byol::target(View& view) {
  const torch::NoGradGuard no_grad;
  return networks::global_features(*target_backbone_, *target_projector_, view.image());
}

at::Tensor Byol::loss(const at::Tensor& q1, const at::Tensor& t2, const at::Tensor& q2,
                      const at::Tensor& t1) {
  return (4 - 2 * losses::cosine_to(q1, t2) - 2 * losses::cosine_to(q2, t1)).mean();
}

StepResult Byol::step(Views& views, const StepInfo& info) {
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto q1 = predictor_->forward(online(first).z);
  const auto q2 = predictor_->forward(online(second).z);
  const auto t1 = target(first).z;
  const auto t2 = target(second).z;
  const auto l = loss(q1, t2, q2, t1);
  if (!info.logged) return {l, {}};
  const auto apart = networks::squared_distance(*backbone_, *target_backbone_) +
                     networks::squared_distance(*projector_, *target_projector_);
  return {l,
          {{"byol/momentum",
            torch::tensor(networks::cosine_momentum(options_.momentum, info.step, info.total))},
           {"byol/target_distance", apart.sqrt()}}};
}

void Byol::after_step(std::int64_t step, std::int64_t total) {
  const auto momentum = networks::cosine_momentum(options_.momentum, step, total);
  networks::follow(*backbone_, *target_backbone_, momentum);
  networks::follow(*projector_, *target_projector_, momentum);
}

std::map<std::string, Embedding> Byol::embed(Views& views) {
  auto& first = views.at("first");
  auto& second = views.at("second");
  auto embeddings = networks::embeddings_of(online(first), online(second));
  embeddings["z_target"] = {target(first).z, target(second).z};
  return embeddings;
}

void Byol::draw(Views& views, const std::filesystem::path& folder) {
  datasets::draw_views(views, folder);
}

}  // namespace covector::byol
