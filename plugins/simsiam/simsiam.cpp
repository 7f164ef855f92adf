#include "simsiam.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/contrast.h"

#include <torch/types.h>

namespace covector::simsiam {

using networks::Head;
using networks::HeadLayer;

SimSiam::SimSiam(const Options& options, std::shared_ptr<Backbone> backbone,
                 const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop =
      transforms::view_size("crop", options.crop, *backbone_, input.batch * options.crops);
  const auto width = backbone_->encoder_channels();
  const auto hidden = options.hidden.value_or(width);
  const auto norm = networks::head_norm(options.head_norm, input.batch * options.crops);
  // The last bias of the projector would be undone by the normalisation after it.
  const HeadLayer inner{
      .width = hidden, .bias = false, .norm = HeadLayer::Norm::affine, .relu = true};
  const HeadLayer last{.width = options.embedding, .bias = false, .norm = HeadLayer::Norm::plain};
  projector_ = register_module(
      "projector", std::make_shared<Head>(width, std::vector{inner, inner, last}, norm));
  auto narrow = inner;
  narrow.width = options.bottleneck;
  predictor_ = register_module(
      "predictor",
      std::make_shared<Head>(options.embedding,
                             std::vector<HeadLayer>{narrow, {.width = options.embedding}}, norm));
}

std::vector<ViewSpec> SimSiam::views() const {
  const auto chain = transforms::pair_chain(options_, options_.crop);
  return transforms::view_pair(options_, chain, chain);
}

networks::GlobalFeatures SimSiam::features(View& view) {
  return networks::global_features(*backbone_, *projector_, view.image());
}

at::Tensor SimSiam::loss(const at::Tensor& p1, const at::Tensor& z2, const at::Tensor& p2,
                         const at::Tensor& z1) {
  return -(losses::cosine_to(p1, z2).mean() + losses::cosine_to(p2, z1).mean()) / 2;
}

StepResult SimSiam::step(Views& views, const StepInfo& info) {
  // One view after the other: each has batch statistics of its own.
  const auto z1 = features(views.at("first")).z;
  const auto z2 = features(views.at("second")).z;
  const auto p1 = predictor_->forward(z1);
  const auto p2 = predictor_->forward(z2);
  const auto l = loss(p1, z2, p2, z1);
  if (!info.logged) return {l, {}};
  return {l, {{"simsiam/projection_cosine", losses::cosine_to(z1, z2).mean().detach()}}};
}

std::map<std::string, Embedding> SimSiam::embed(Views& views) {
  return networks::embeddings_of(features(views.at("first")), features(views.at("second")));
}

void SimSiam::draw(Views& views, const std::filesystem::path& folder) {
  datasets::draw_views(views, folder);
}

}  // namespace covector::simsiam
