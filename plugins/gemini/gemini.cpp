#include "gemini.h"

#include "covector/losses/consistency_loss.h"
#include "covector/losses/registration.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/image_pair.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace covector::gemini {
namespace {

constexpr auto kRegister = "register";
constexpr auto kRestore = "restore";

}  // namespace

at::Tensor masked_similarity_loss(const at::Tensor& a, const at::Tensor& b, const at::Tensor& mask,
                                  std::int64_t window) {
  const auto correlation = losses::local_correlation(a, b, window);
  const auto weight = mask.to(correlation.scalar_type()).expand_as(correlation);
  const auto guard = a.dim() == 4 ? 1e-5 : 1e-6 * static_cast<double>(weight.numel());
  return 1 - (correlation * weight).sum() / (weight.sum() + guard);
}

SemanticLoss semantic_loss(const at::Tensor& moving, const at::Tensor& fixed, const Warp& warp,
                           GridConvention convention) {
  const auto distance = [&](const at::Tensor& f, const at::Tensor& g) {
    return losses::consistency_loss(f, g, warp.mask);
  };
  return {distance(covector::warp(moving, warp.flow.detach(), convention), fixed),
          distance(covector::warp(moving.detach(), warp.flow, convention), fixed.detach())};
}

Gemini::Gemini(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options),
      convention_(options.convention == "paper" ? GridConvention::paper : GridConvention::released),
      backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  transforms::check_voxelwise("gemini", *backbone_);
  if (std::any_of(options_.crop.begin(), options_.crop.end(),
                  [](auto side) { return side % Deformer::kSideDivisor != 0; }))
    throw RecipeError("[method] 'crop' must be a multiple of " +
                      std::to_string(Deformer::kSideDivisor) +
                      " along every axis, which the deformer of 'gemini' asks for");
  const auto d = backbone_->dimensions();
  const auto channels = backbone_->channels().back();
  deformer_ = register_module("deformer",
                              std::make_shared<Deformer>(d, channels, options.start == "identity"));
  res_conv_ = register_module(
      "res_conv", std::make_shared<networks::RestorationHead>(d, channels, input.input.channels,
                                                              networks::ConvStart::normal));
}

std::vector<ViewSpec> Gemini::views() const {
  // Turned by the difference of two angles in 2D, as the released code does.
  const auto affine = transforms::part("affine", {{"degree", 1.0},
                                                  {"rotation", 20.0},
                                                  {"angles", 2},
                                                  {"scale", 0.25},
                                                  {"translation", 0.0},
                                                  {"shear", 0.0}});
  return transforms::image_pair({.size = options_.crop,
                                 .damage = transforms::house_damage(backbone_->dimensions()),
                                 .moved = {affine},
                                 .pair_phase = kRegister,
                                 .damaged_phase = kRestore});
}

std::vector<std::string> Gemini::phases(std::int64_t /*step*/, std::int64_t /*total*/) const {
  return {kRegister, kRestore};
}

std::vector<at::Tensor> Gemini::parameters_of(const std::string& phase) const {
  auto all = backbone_->parameters();
  const auto head = phase == kRegister ? deformer_->parameters() : res_conv_->parameters();
  all.insert(all.end(), head.begin(), head.end());
  return all;
}

Warp Gemini::warp_by(const at::Tensor& flow, const at::Tensor& moving) const {
  Warp out{flow, {}, warp(moving, flow, convention_)};
  const torch::NoGradGuard no_grad;
  const auto grid = voxel_grid(flow.sizes().slice(2), flow.options());
  out.mask = sample_at(torch::ones_like(flow.narrow(1, 0, 1)), grid + flow, Interpolation::nearest,
                       convention_);
  return out;
}

Gemini::Registration Gemini::register_pair(const at::Tensor& a, const at::Tensor& b) const {
  Registration out;
  out.features_a = backbone_->pyramid(a).back();
  out.features_b = backbone_->pyramid(b).back();
  out.ab = warp_by(deformer_->forward(out.features_a, out.features_b), a);
  out.ba = warp_by(deformer_->forward(out.features_b, out.features_a), b);
  return out;
}

Gemini::Losses Gemini::losses_of(const Registration& r, const at::Tensor& a,
                                 const at::Tensor& b) const {
  const auto semantic_ab = semantic_loss(r.features_a, r.features_b, r.ab, convention_);
  const auto semantic_ba = semantic_loss(r.features_b, r.features_a, r.ba, convention_);
  return {losses::roughness(r.ab.flow) + losses::roughness(r.ba.flow),
          masked_similarity_loss(r.ab.image, b, r.ab.mask, options_.window) +
              masked_similarity_loss(r.ba.image, a, r.ba.mask, options_.window),
          semantic_ab.features + semantic_ba.features, semantic_ab.flow + semantic_ba.flow};
}

at::Tensor Gemini::total(const Losses& parts) const {
  const auto semantic = options_.positive_weight * parts.features + parts.flow;
  return options_.smoothness_weight * parts.smoothness + options_.semantic_weight * semantic +
         options_.similarity_weight * parts.similarity;
}

at::Tensor Gemini::restore(const at::Tensor& damaged) const {
  return res_conv_->forward(backbone_->pyramid(damaged).back());
}

StepResult Gemini::step(Views& views, const StepInfo& info) {
  transforms::check_one_size("gemini", views);
  return info.phase == kRegister ? register_step(views, info) : restore_step(views);
}

StepResult Gemini::register_step(Views& views, const StepInfo& info) const {
  const auto& a = views.at("a").image();
  const auto& b = views.at("b").image();
  const auto registration = register_pair(a, b);
  const auto parts = losses_of(registration, a, b);
  StepResult result{total(parts), {}};
  if (!info.logged) return result;
  const torch::NoGradGuard no_grad;
  const auto everywhere = torch::ones_like(registration.ab.mask);
  result.logs = {
      {"gemini/similarity_loss", parts.similarity.detach()},
      {"gemini/similarity_before", 2 * masked_similarity_loss(a, b, everywhere, options_.window)},
      {"gemini/smoothness_loss", parts.smoothness.detach()},
      {"gemini/feature_distance", parts.features.detach()},
      {"gemini/flow_voxels", registration.ab.flow.norm(2, {1}).mean()},
      {"gemini/mask_mean", registration.ab.mask.mean()}};
  return result;
}

StepResult Gemini::restore_step(Views& views) const {
  const auto& image = views.at("a").image();
  const auto restored = restore(views.at("damaged").image());
  const auto error = (restored.to(image.scalar_type()) - image).square().mean();
  return {options_.restoration_weight * error, {{"gemini/restoration_loss", error.detach()}}};
}

std::map<std::string, Embedding> Gemini::embed(Views& views) {
  return {{"h", {networks::pool_global(backbone_->encode(views.at("a").image())), {}}}};
}

}  // namespace covector::gemini
