#include "gvsl.h"

#include "covector/losses/registration.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/image_pair.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::gvsl {
namespace {

constexpr std::int64_t kFlowWidth = 16;

}  // namespace

Gvsl::Gvsl(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options),
      convention_(options.convention == "paper" ? GridConvention::paper : GridConvention::released),
      backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  transforms::check_voxelwise("gvsl", *backbone_);
  const auto d = backbone_->dimensions();
  const auto channels = backbone_->channels();
  const bool at_rest = options.start == "identity";
  affine_ = register_module("affine", std::make_shared<AffineHead>(d, channels.front(), at_rest));
  sp_conv_ = register_module(
      "sp_conv", std::make_shared<networks::DoubleConv>(d, 2 * channels.back(), kFlowWidth,
                                                        networks::ConvStart::uniform));
  out_flow_ = register_module("out_flow", networks::flow_conv(d, kFlowWidth, at_rest));
  res_conv_ = register_module("res_conv", std::make_shared<networks::RestorationHead>(
                                              d, channels.back(), input.input.channels));
}

std::vector<ViewSpec> Gvsl::views() const {
  const auto d = backbone_->dimensions();
  // All ranges of the affine field and of the elastic one are the authors'.
  const auto affine = transforms::part("affine", {{"degree", 1.0},
                                                  {"rotation", 20.0},
                                                  {"angles", 1},
                                                  {"scale", 0.25},
                                                  {"translation", 0.1},
                                                  {"shear", 10.0}});
  // The standard deviation of the blurred noise is 0.157^d / sqrt(3) at sigma 11.5; in 2D an
  // amplitude of 80 moves as far as 512 does in 3D, 1.2 voxels.
  const auto elastic = transforms::part(
      "elastic",
      {{"sigma", OptionArray{10.0, 13.0}}, {"amplitude", OptionArray{0.0, d == 2 ? 80.0 : 512.0}}});
  return transforms::image_pair({options_.crop, transforms::house_damage(d), {affine}, {elastic}});
}

Gvsl::Registration Gvsl::register_pair(const at::Tensor& damaged, const at::Tensor& moving) const {
  const auto of_a = backbone_->pyramid(damaged);
  const auto of_b = backbone_->pyramid(moving);
  Registration out;
  out.matrix = affine_matrix(affine_->forward(of_b.front(), of_a.front()));
  if (options_.detach_affine) out.matrix = out.matrix.detach();
  const auto near = affine_warp(of_b.back(), out.matrix);
  const auto flow = out_flow_->forward(sp_conv_->forward(torch::cat({near, of_a.back()}, 1)));
  out.flow = flow.to(out.matrix.scalar_type());
  out.warped = warp(affine_warp(moving, out.matrix), out.flow, convention_);
  out.restored = res_conv_->forward(of_a.back());
  return out;
}

Gvsl::Losses Gvsl::losses_of(const Registration& registration, const at::Tensor& fixed) const {
  const auto error = registration.restored.to(fixed.scalar_type()) - fixed;
  return {1 - losses::local_correlation(registration.warped, fixed, options_.window).mean(),
          error.square().mean(), losses::roughness(registration.flow)};
}

at::Tensor Gvsl::total(const Losses& parts) const {
  return options_.similarity_weight * parts.similarity +
         options_.restoration_weight * parts.restoration +
         options_.smoothness_weight * parts.smoothness;
}

StepResult Gvsl::step(Views& views, const StepInfo& info) {
  transforms::check_one_size("gvsl", views);
  const auto& fixed = views.at("a").image();
  const auto registration = register_pair(views.at("damaged").image(), views.at("b").image());
  const auto parts = losses_of(registration, fixed);
  StepResult result{total(parts), {}};
  if (!info.logged) return result;
  const torch::NoGradGuard no_grad;
  const auto d = backbone_->dimensions();
  const auto identity = torch::eye(d, registration.matrix.options());
  result.logs = {
      {"gvsl/similarity_loss", parts.similarity.detach()},
      {"gvsl/restoration_loss", parts.restoration.detach()},
      {"gvsl/smoothness_loss", parts.smoothness.detach()},
      {"gvsl/flow_voxels", registration.flow.norm(2, {1}).mean()},
      {"gvsl/translation_voxels", registration.matrix.select(2, d).norm(2, {1}).mean()},
      {"gvsl/affine_change", (registration.matrix.narrow(2, 0, d) - identity).abs().amax()},
      {"gvsl/similarity_before",
       1 - losses::local_correlation(views.at("b").image(), fixed, options_.window).mean()}};
  return result;
}

std::map<std::string, Embedding> Gvsl::embed(Views& views) {
  return {{"h", {networks::pool_global(backbone_->encode(views.at("a").image())), {}}}};
}

}  // namespace covector::gvsl
