#include "inpainting.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/masked_mean.h"
#include "covector/losses/restoration.h"
#include "covector/networks/output_layer.h"
#include "covector/transforms/chains.h"
#include "covector/transforms/image_pair.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <numeric>

namespace covector::inpainting {
namespace {

using transforms::part;

// A mean squared error of grey levels below which an image counts as flat: what was removed from
// black background, or nothing at all, is no measure of skill.
constexpr double kFlat = 1e-4;

// Each sample's and channel's mean in every voxel: what can be predicted without looking.
at::Tensor flat(const at::Tensor& image) {
  std::vector<std::int64_t> spatial(image.dim() - 2);
  std::iota(spatial.begin(), spatial.end(), 2);
  return image.mean(spatial, true).expand_as(image);
}

}  // namespace

Inpainting::Inpainting(const Options& options, std::shared_ptr<Backbone> backbone,
                       const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  output_ = register_module("output",
                            networks::output_layer(*backbone_, input.input.channels, "inpainting"));
}

Parts Inpainting::damage() const {
  const bool blocks = options_.mask == "blocks";
  auto boxes = transforms::house_damage(backbone_->dimensions()).back();  // in-painting comes last
  if (blocks) {
    auto side = options_.side;
    if (side.empty())
      side = backbone_->dimensions() == 2 ? std::vector{1.0 / 16, 1.0 / 6}
                                          : std::vector{1.0 / 8, 1.0 / 4};
    boxes = part("inpaint", {{"coverage", OptionArray{options_.coverage[0], options_.coverage[1]}},
                             {"side", OptionArray{side[0], side[1]}},
                             {"largest_side", true},
                             {"margin", 0}});
  }
  boxes.set("fill", options_.fill.value_or(blocks ? "mean" : "noise"));
  boxes.set("constant", options_.fill_value);
  return {boxes};
}

std::vector<ViewSpec> Inpainting::views() const {
  return transforms::clean_and_damaged(transforms::shared_window(options_.crop), damage());
}

at::Tensor Inpainting::loss(const at::Tensor& restored, const at::Tensor& clean,
                            const at::Tensor& mask) const {
  const auto error = options_.error == "squared" ? losses::squared_error(restored, clean)
                                                 : losses::absolute_error(restored, clean);
  if (options_.loss.value_or(options_.mask == "blocks" ? "masked" : "full") == "masked")
    return losses::masked_mean(error, mask);
  return losses::emphasised_mean(error, mask, 1.0, options_.outside_weight);
}

at::Tensor Inpainting::restore(const at::Tensor& damaged) {
  return output_->forward(backbone_->pyramid(damaged).back());
}

StepResult Inpainting::step(Views& views, const StepInfo& info) {
  const auto& clean = views.at("clean").image();
  auto& damaged = views.at("damaged");
  const auto mask = damaged.marked();
  const auto restored = restore(damaged.image());
  const auto l = loss(restored, clean, mask);
  if (!info.logged) return {l, {}};

  const auto error = losses::squared_error(restored.detach(), clean);
  const auto inside = losses::masked_mean(error, mask);
  const auto guess = losses::masked_mean(losses::squared_error(flat(clean), clean), mask);
  return {l,
          {{"inpainting/masked_mse", inside},
           {"inpainting/mean_ratio", inside / guess.clamp_min(kFlat)},
           {"inpainting/unmasked_mse", losses::masked_mean(error, mask.logical_not())},
           {"inpainting/coverage", mask.to(torch::kFloat32).mean()}}};
}

void Inpainting::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& damaged = views.at("damaged").image();
  datasets::draw_restoration(views.at("clean").image(), damaged, restore(damaged), folder);
}

}  // namespace covector::inpainting
