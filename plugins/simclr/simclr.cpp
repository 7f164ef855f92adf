#include "simclr.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/contrast.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::simclr {
namespace {

using networks::Head;
using networks::HeadLayer;

std::shared_ptr<Head> projector(std::int64_t in, const Options& options, std::int64_t rows) {
  const auto hidden = options.hidden.value_or(in);
  const auto norm = networks::head_norm(options.head_norm, rows);
  if (norm == networks::HeadNorm::none)
    return networks::two_layer_head(in, hidden, options.embedding);
  const auto affine = HeadLayer::Norm::affine;
  return std::make_shared<Head>(
      in,
      std::vector<HeadLayer>{{.width = hidden, .bias = false, .norm = affine, .relu = true},
                             {.width = options.embedding, .bias = false, .norm = affine}},
      norm);
}

// Mean cosine of rows that do not belong together.
at::Tensor negative_cosine(const at::Tensor& first, const at::Tensor& second) {
  const auto rows = torch::cat({first, second});
  const auto n = first.size(0);
  const auto all = rows.sum(0).square().sum();
  const auto own = rows.square().sum() + 2 * (first * second).sum();
  return (all - own) / static_cast<double>(2 * n * (2 * n - 2));
}

}  // namespace

SimClr::SimClr(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  const auto rows = input.batch * options.crops;
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, 2 * rows);
  if (rows < 2)
    throw RecipeError(
        "[method] 'simclr' finds its negatives among the other samples of a batch, and there are "
        "none; set loop.batch or 'crops' to 2 or more");
  projector_ =
      register_module("projector", projector(backbone_->encoder_channels(), options, 2 * rows));
}

std::vector<ViewSpec> SimClr::views() const {
  const auto chain = transforms::pair_chain(options_, options_.crop);
  return transforms::view_pair(options_, chain, chain);
}

std::pair<networks::GlobalFeatures, networks::GlobalFeatures> SimClr::features(Views& views) {
  const auto both = torch::cat({views.at("first").image(), views.at("second").image()});
  const auto all = networks::global_features(*backbone_, *projector_, both);
  const auto h = all.h.chunk(2);
  const auto z = all.z.chunk(2);
  return {{h[0], z[0]}, {h[1], z[1]}};
}

StepResult SimClr::step(Views& views, const StepInfo& info) {
  const auto [first, second] = features(views);
  const auto z1 = losses::unit(first.z);
  const auto z2 = losses::unit(second.z);
  const auto loss = losses::nt_xent(z1, z2, options_.temperature).mean();
  if (!info.logged) return {loss, {}};
  const torch::NoGradGuard no_grad;
  return {loss,
          {{"simclr/accuracy", losses::nt_xent_accuracy(z1, z2)},
           {"simclr/positive_cosine", (z1 * z2).sum(1).mean()},
           {"simclr/negative_cosine", negative_cosine(z1, z2)}}};
}

std::map<std::string, Embedding> SimClr::embed(Views& views) {
  const auto [first, second] = features(views);
  return networks::embeddings_of(first, second);
}

void SimClr::draw(Views& views, const std::filesystem::path& folder) {
  datasets::draw_views(views, folder);
}

}  // namespace covector::simclr
