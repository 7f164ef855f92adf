#include "vader.h"

#include "covector/core/random.h"
#include "covector/losses/contrast.h"
#include "covector/networks/momentum.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/chains.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <functional>
#include <numeric>

namespace covector::vader {
namespace {

using losses::unit;

}  // namespace

Vader::Vader(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  pixels_ = options.pixels.value_or(backbone_->dimensions() == 2 ? 32 : 256);
  transforms::check_voxelwise("vader", *backbone_);
  const auto voxels = std::accumulate(options_.crop.begin(), options_.crop.end(), std::int64_t{1},
                                      std::multiplies<>());
  if (pixels_ > voxels)
    throw RecipeError("[method] 'pixels' is " + std::to_string(pixels_) +
                      ", more than the voxels of a view, which are " + std::to_string(voxels));
  head_ = register_module("head", std::make_shared<networks::Head>(
                                      backbone_->channels().back(),
                                      std::vector<networks::HeadLayer>{{options_.embedding}}));
  key_backbone_ = register_module("key_backbone", networks::momentum_copy(*backbone_));
  key_head_ = register_module("key_head", networks::momentum_copy(*head_));
  queue_ = register_module("queue",
                           std::make_shared<networks::Queue>(options_.queue, options_.embedding));
}

std::vector<ViewSpec> Vader::views() const {
  const auto view = [&](const std::string& name, std::int64_t window) {
    ViewSpec spec{name, transforms::chain_of(transforms::dense_chain(options_.crop))};
    if (!options_.anchor) return spec;
    auto& crop = spec.chain.front();
    crop.set("anchor", options_.foreground);
    crop.set("window", window);
    crop.set("shared", true);
    return spec;
  };
  return {view("first", 0), view("second", 1)};
}

Matches Vader::matches_of(View& first, const View& second,
                          std::optional<at::Generator> generator) const {
  const auto foreground = first.image().amax(1, true) > options_.foreground;
  return draw_matches(first.map(), second.map(), foreground, pixels_, std::move(generator));
}

at::Tensor Vader::query(const at::Tensor& image, const Matches& matches) const {
  return unit(head_->forward(at_voxels(backbone_->pyramid(image).back(), matches)));
}

at::Tensor Vader::key(const at::Tensor& image, const Matches& matches) const {
  const torch::NoGradGuard no_grad;
  return unit(key_head_->forward(at_positions(key_backbone_->pyramid(image).back(), matches)));
}

StepResult Vader::step(Views& views, const StepInfo& info) {
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto matches = matches_of(first, second, {});
  const auto keys = key(second.image(), matches);
  const auto queries = query(first.image(), matches);
  const auto valid = matches.valid.flatten();
  const auto each = losses::info_nce(queries, keys, queue_->keys(), options_.temperature);
  const auto loss = each.masked_fill(~valid, 0).sum() / valid.sum().clamp_min(1);
  // Where nothing is shown twice the keys are pixels of the second view all the same.
  queue_->hold(keys);
  if (!info.logged) return {loss, {}};

  const torch::NoGradGuard no_grad;
  const auto pairs = matches.valid.sum(1);
  Logs logs{{"vader/pixels", pairs.to(torch::kFloat32).mean()},
            {"vader/without_overlap", (pairs == 0).sum()}};
  const auto q = queries.index({valid});
  const auto k = keys.index({valid});
  if (q.size(0) > 0) {
    logs["vader/accuracy"] = losses::info_nce_accuracy(q, k, queue_->keys());
    logs["vader/cosine"] = losses::cosine_to(q, k).mean();
  }
  return {loss, logs};
}

void Vader::after_step(std::int64_t, std::int64_t) {
  queue_->store();
  networks::follow(*backbone_, *key_backbone_, options_.momentum);
  networks::follow(*head_, *key_head_, options_.momentum);
}

std::map<std::string, Embedding> Vader::embed(Views& views) {
  const torch::NoGradGuard no_grad;
  auto& first = views.at("first");
  auto& second = views.at("second");
  // The same pixels every time.
  RandomStream stream(0, "vader/embed");
  const auto matches = matches_of(first, second, stream.generator(first.image().device()));
  const auto valid = matches.valid.flatten();
  const auto one = backbone_->pyramid(first.image());
  const auto two = backbone_->pyramid(second.image());
  const auto embedded = [&](const at::Tensor& features) {
    return unit(head_->forward(features)).index({valid});
  };
  return {
      {"h", {networks::pool_global(one.front()), networks::pool_global(two.front())}},
      {"z",
       {embedded(at_voxels(one.back(), matches)), embedded(at_positions(two.back(), matches))}}};
}

}  // namespace covector::vader
