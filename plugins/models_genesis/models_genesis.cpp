#include "models_genesis.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/masked_mean.h"
#include "covector/losses/restoration.h"
#include "covector/networks/output_layer.h"
#include "covector/transforms/chains.h"
#include "covector/transforms/image_pair.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::models_genesis {

using transforms::part;

namespace {

// A mean squared damage below which a batch counts as left alone.
constexpr double kIntact = 1e-4;

}  // namespace

ModelsGenesis::ModelsGenesis(const Options& options, std::shared_ptr<Backbone> backbone,
                             const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  output_ = register_module(
      "output", networks::output_layer(*backbone_, input.input.channels, "models_genesis"));
}

Parts ModelsGenesis::damage() const {
  auto damage = transforms::house_damage(backbone_->dimensions());
  if (options_.form == "official")
    damage = {part("local_shuffle", {{"probability", 0.5}}),
              part("intensity_map", {{"decreasing", 0.5}, {"probability", 0.9}}),
              part("paint", {{"inside", 0.2}, {"probability", 0.9}})};
  if (options_.windows) damage.front().set("windows", *options_.windows);
  return damage;
}

std::vector<ViewSpec> ModelsGenesis::views() const {
  const auto window = transforms::shared_window(options_.crop, part("flip", {{"go_on", 0.4}}));
  return transforms::clean_and_damaged(window, damage());
}

at::Tensor ModelsGenesis::restore(const at::Tensor& damaged) {
  return output_->forward(backbone_->pyramid(damaged).back()).sigmoid();
}

StepResult ModelsGenesis::step(Views& views, const StepInfo& info) {
  const auto& clean = views.at("clean").image();
  auto& damaged = views.at("damaged");
  const auto restored = restore(damaged.image());
  const auto l = losses::squared_error(restored, clean).mean();
  if (!info.logged) return {l, {}};

  // By what happened to a voxel: overwritten, moved or remapped, or left as it was.
  const auto error = losses::squared_error(restored.detach(), clean);
  const auto identity = losses::squared_error(damaged.image(), clean);
  const auto painted = damaged.marked();
  const auto changed = (identity > 0).logical_and(painted.logical_not());
  const auto kept = changed.logical_or(painted).logical_not();
  return {l,
          {{"models_genesis/mse_painted", losses::masked_mean(error, painted)},
           {"models_genesis/mse_changed", losses::masked_mean(error, changed)},
           {"models_genesis/mse_kept", losses::masked_mean(error, kept)},
           {"models_genesis/identity_ratio", error.mean() / identity.mean().clamp_min(kIntact)},
           {"models_genesis/painted", painted.to(torch::kFloat32).mean()}}};
}

void ModelsGenesis::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& damaged = views.at("damaged").image();
  datasets::draw_restoration(views.at("clean").image(), damaged, restore(damaged), folder);
}

}  // namespace covector::models_genesis
