#include "denoising.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/restoration.h"
#include "covector/networks/output_layer.h"
#include "covector/transforms/chains.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace covector::denoising {
namespace {

using transforms::part;

// |dL / d(coarsest map)| / |dL / d(finest map)|: how much of the gradient reaches the deep layers.
at::Tensor share_of_bottleneck(const at::Tensor& loss, const std::vector<at::Tensor>& pyramid) {
  const auto gradients =
      torch::autograd::grad({loss}, {pyramid.front(), pyramid.back()}, {}, /*retain_graph=*/true,
                            /*create_graph=*/false, /*allow_unused=*/true);
  // A backbone whose finest map does not build on its coarsest lets none through.
  if (!gradients[0].defined()) return torch::zeros({}, loss.options());
  return gradients[0].norm() / gradients[1].norm();
}

}  // namespace

Denoising::Denoising(const Options& options, std::shared_ptr<Backbone> backbone,
                     const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  output_ = register_module("output",
                            networks::output_layer(*backbone_, input.input.channels, "denoising"));
}

Parts Denoising::damage() const {
  if (options_.noise == "gaussian")
    return {part("noise", {{"std", OptionArray{options_.std[0], options_.std[1]}}})};
  Part impulses = part(options_.noise == "masking" ? "masking_noise" : "salt_and_pepper");
  if (options_.fraction) impulses.set("fraction", *options_.fraction);
  return {impulses};
}

std::vector<ViewSpec> Denoising::views() const {
  return transforms::clean_and_damaged(transforms::shared_window(options_.crop), damage());
}

at::Tensor Denoising::loss(const at::Tensor& output, const at::Tensor& clean,
                           const at::Tensor& overwritten) const {
  const auto error = options_.loss == "mse" ? losses::squared_error(output, clean)
                                            : losses::cross_entropy_error(output, clean);
  return losses::emphasised_mean(error, overwritten, options_.emphasis[0], options_.emphasis[1]);
}

at::Tensor Denoising::image_of(const at::Tensor& output) const {
  return options_.loss == "mse" ? output : output.sigmoid();
}

StepResult Denoising::step(Views& views, const StepInfo& info) {
  const auto& clean = views.at("clean").image();
  auto& noisy = views.at("damaged");
  const auto pyramid = backbone_->pyramid(noisy.image());
  const auto output = output_->forward(pyramid.back());
  const auto l = loss(output, clean, noisy.marked());
  if (!info.logged) return {l, {}};

  const auto mse = losses::squared_error(image_of(output.detach()), clean).mean();
  const auto identity = losses::squared_error(noisy.image(), clean).mean();
  return {l,
          // Where masking fell on black alone nothing was lost.
          {{"denoising/identity_ratio", mse / identity.clamp_min(1e-6)},
           {"denoising/psnr_db", losses::psnr(mse)},
           {"denoising/psnr_noisy_db", losses::psnr(identity)},
           {"denoising/bottleneck_gradient", share_of_bottleneck(l, pyramid)}}};
}

void Denoising::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& noisy = views.at("damaged").image();
  const auto restored = image_of(output_->forward(backbone_->pyramid(noisy).back()));
  datasets::draw_restoration(views.at("clean").image(), noisy, restored, folder);
}

}  // namespace covector::denoising
