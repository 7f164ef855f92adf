#include "cover.h"

#include "covector/losses/consistency_loss.h"
#include "covector/losses/over_dispersion.h"
#include "covector/losses/vector_loss.h"
#include "covector/transforms/chains.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace covector::cover {
namespace {

using transforms::part;

std::string list(const std::vector<std::int64_t>& numbers) {
  OptionArray array;
  for (const auto number : numbers) array.emplace_back(number);
  return to_toml(array);
}

// The vectors of each level that has a unit: as given, or by the paper's rule.
std::vector<std::int64_t> groups_of(const Options& options, std::size_t levels) {
  if (options.vectors == "direct")
    return options.groups.empty() ? std::vector<std::int64_t>{1} : options.groups;
  std::vector<std::int64_t> rule(levels, 4);
  std::fill(rule.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, levels)), rule.end(),
            1);
  if (options.groups.empty()) return rule;
  if (options.groups.size() != levels)
    throw RecipeError("[method] 'groups' has " + std::to_string(options.groups.size()) +
                      " numbers, the backbone has " + std::to_string(levels) +
                      " levels; the paper's rule gives " + list(rule));
  return options.groups;
}

void check_steps(const std::vector<std::int64_t>& strides) {
  for (std::size_t i = 1; i < strides.size(); ++i)
    if (strides[i - 1] % strides[i] != 0)
      throw RecipeError("[backbone] has levels of stride " + list(strides) +
                        "; method 'cover' goes from each to the next in whole steps. Take another "
                        "backbone, or 'vectors' = \"direct\"");
}

at::Tensor length(const at::Tensor& displacement) {
  return displacement.square().sum(1, true).sqrt();
}

}  // namespace

Cover::Cover(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options),
      convention_(options.form == "paper" ? GridConvention::paper : GridConvention::released),
      backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  transforms::check_voxelwise("cover", *backbone_);
  if (options.vectors == "none") return;
  if (options.vectors == "pyramid") check_steps(backbone_->strides());
  proj_ = register_module("proj",
                          std::make_shared<VectorPyramid>(VectorPyramid::Shape{
                              backbone_->dimensions(), backbone_->channels(), backbone_->strides(),
                              groups_of(options, backbone_->channels().size()), options.head_dim,
                              options.radius, convention_}));
}

std::vector<ViewSpec> Cover::views() const {
  const bool paper = convention_ == GridConvention::paper;
  OptionArray size(options_.crop.begin(), options_.crop.end());
  // One window for the batch and both views: the displacement between them is the affine map alone.
  const auto crop = part("crop", {{"size", size}, {"draw", "batch"}, {"shared", true}});

  const auto affine = part("affine", {{"convention", options_.form}, {"degree", options_.degree}});
  ViewSpec fixed{"fixed", {affine, crop}};
  ViewSpec moving{"moving", {crop}};
  const OptionValue draw = paper ? "sample" : "batch";
  for (const auto* change : {"noise", "blur", "contrast", "brightness", "inpaint"})
    moving.chain.push_back(part(change, {{"probability", paper ? 0.9 : 1.0}, {"draw", draw}}));
  moving.chain.at(3).set("mean", draw);  // contrast stretches about the mean of sample or batch
  if (options_.source_size) {
    const auto resize =
        part("resize", {{"size", OptionArray(options_.crop.size(), *options_.source_size)}});
    for (auto* view : {&fixed, &moving}) view->chain.insert(view->chain.begin(), resize);
  }
  return {fixed, moving};
}

Cover::Outcome Cover::compare(const at::Tensor& fixed, const at::Tensor& moving,
                              const at::Tensor& target) const {
  const auto empty =
      convention_ == GridConvention::paper ? losses::EmptyMask::zero : losses::EmptyMask::nan;
  Outcome out;
  out.fixed = backbone_->pyramid(fixed);
  out.moving = backbone_->pyramid(moving);
  out.mask = inside(target, convention_);
  out.consistency_loss = losses::consistency_loss(
      out.fixed.back(), warp(out.moving.back(), target, convention_), out.mask, empty);
  if (proj_) {
    out.flows = proj_->forward(out.fixed, out.moving);
    out.vector_loss = losses::vector_loss(out.flows.levels.back(), target, out.mask, empty);
  }
  return out;
}

at::Tensor Cover::target_of(Views& views) {
  auto& fixed = views.at("fixed");
  const auto& moving = views.at("moving");
  if (fixed.size() != moving.size())
    throw RecipeError("[views] 'fixed' ends with size " + list(fixed.size()) + ", 'moving' with " +
                      list(moving.size()) + "; method 'cover' needs one size");
  // F(p) shows what M(p + u(p)) shows.
  return fixed.map().displacement_to(moving.map(), fixed.image().options());
}

StepResult Cover::step(Views& views, const StepInfo& info) {
  auto& fixed = views.at("fixed");
  const auto target = target_of(views);
  const auto outcome = compare(fixed.image(), views.at("moving").image(), target);
  auto loss = options_.consistency_weight * outcome.consistency_loss;
  if (proj_) loss = loss + options_.vector_weight * outcome.vector_loss;
  if (!info.logged) return {loss, {}};
  return {loss, measures(outcome, target, fixed.label())};
}

Logs Cover::measures(const Outcome& outcome, const at::Tensor& target,
                     const std::optional<at::Tensor>& label) const {
  const torch::NoGradGuard no_grad;
  Logs logs;
  logs["cover/consistency_loss"] = outcome.consistency_loss.detach();
  logs["cover/mask_mean"] = outcome.mask.to(torch::kFloat32).mean();
  logs["cover/empty_masks"] = losses::empty_masks(outcome.mask);
  if (proj_) {
    logs["cover/vector_loss"] = outcome.vector_loss.detach();
    logs["cover/end_point_error_voxels"] =
        losses::masked_mean(length(outcome.flows.levels.back() - target), outcome.mask);
    logs["cover/largest_vector_weight"] = outcome.flows.largest_weight;
  }
  // Over-dispersion of the features as the network gives them, from so few places that it costs a
  // hundredth of a step.
  constexpr std::int64_t kPairs = 1 << 12;
  constexpr std::int64_t kPositions = 1 << 10;
  // Where features are not finite the loss is not either and stops the run; a measure must not stop
  // it first, with words about singular values.
  const auto finest = outcome.fixed.back().detach().nan_to_num();
  const auto dispersion = losses::over_dispersion(finest, label, kPairs);
  logs["cover/neighbour_distance_mean"] = dispersion.all.mean;
  logs["cover/neighbour_distance_p99"] = dispersion.all.p99;
  if (label) {
    logs["cover/neighbour_distance_within_mean"] = dispersion.within->mean;
    logs["cover/neighbour_distance_within_p99"] = dispersion.within->p99;
    logs["cover/neighbour_distance_across_mean"] = dispersion.across->mean;
    logs["cover/neighbour_distance_across_p99"] = dispersion.across->p99;
  }
  logs["cover/effective_rank"] = losses::effective_rank(finest, kPositions);
  return logs;
}

}  // namespace covector::cover
