#include "moco_v2.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/contrast.h"
#include "covector/networks/momentum.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace covector::moco_v2 {
namespace {

// As many forward passes as the original queue of 65536 keys spans with batches of 256. In more of
// them the momentum copy moves so far that its early keys are stale.
constexpr std::int64_t kPasses = 256;

}  // namespace

MocoV2::MocoV2(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options),
      backbone_(register_module("backbone", std::move(backbone))),
      keys_a_pass_(input.batch * options.crops * (options.symmetric ? 2 : 1)) {
  options_.crop =
      transforms::view_size("crop", options.crop, *backbone_, input.batch * options.crops);
  const auto width = backbone_->encoder_channels();
  projector_ = register_module(
      "projector",
      networks::two_layer_head(width, options.hidden.value_or(width), options.embedding));
  key_backbone_ = register_module("key_backbone", networks::momentum_copy(*backbone_));
  key_projector_ = register_module("key_projector", networks::momentum_copy(*projector_));
  queue_ = register_module(
      "queue",
      std::make_shared<networks::Queue>(
          options.queue.value_or(kPasses * input.batch * options.crops), options.embedding));
}

std::vector<ViewSpec> MocoV2::views() const {
  const auto chain = transforms::pair_chain(options_, options_.crop);
  return transforms::view_pair(options_, chain, chain);
}

at::Tensor MocoV2::query(View& view) {
  return losses::unit(networks::global_features(*backbone_, *projector_, view.image()).z);
}

at::Tensor MocoV2::key(View& view) {
  const torch::NoGradGuard no_grad;
  return losses::unit(networks::global_features(*key_backbone_, *key_projector_, view.image()).z);
}

at::Tensor MocoV2::contrast(const at::Tensor& q, const at::Tensor& k) {
  queue_->hold(k);
  return losses::info_nce(q, k, queue_->keys(), options_.temperature).mean();
}

StepResult MocoV2::step(Views& views, const StepInfo& info) {
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto q = query(first);
  const auto k = key(second);
  auto loss = contrast(q, k);
  if (options_.symmetric) loss = loss + contrast(query(second), key(first));
  if (!info.logged) return {loss, {}};
  const torch::NoGradGuard no_grad;
  const auto age = std::min(info.step, queue_->keys().size(0) / keys_a_pass_);
  return {loss,
          {{"moco_v2/accuracy", losses::info_nce_accuracy(q, k, queue_->keys())},
           {"moco_v2/positive_cosine", (q * k).sum(1).mean()},
           {"moco_v2/queue_age", torch::tensor(age)}}};
}

void MocoV2::after_step(std::int64_t, std::int64_t) {
  queue_->store();
  networks::follow(*backbone_, *key_backbone_, options_.momentum);
  networks::follow(*projector_, *key_projector_, options_.momentum);
}

std::map<std::string, Embedding> MocoV2::embed(Views& views) {
  const auto features = [&](const char* view) {
    return networks::global_features(*backbone_, *projector_, views.at(view).image());
  };
  return networks::embeddings_of(features("first"), features("second"));
}

void MocoV2::draw(Views& views, const std::filesystem::path& folder) {
  datasets::draw_views(views, folder);
}

}  // namespace covector::moco_v2
