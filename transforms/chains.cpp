#include "covector/transforms/chains.h"

#include "covector/core/error.h"

#include <algorithm>

namespace covector::transforms {
namespace {

template <class Number>
OptionArray array_of(const std::vector<Number>& numbers) {
  return {numbers.begin(), numbers.end()};
}

bool any(const std::vector<double>& chances) {
  return std::any_of(chances.begin(), chances.end(), [](double p) { return p > 0; });
}

std::vector<double> last_axis_only(std::size_t axes) {
  std::vector<double> flip(axes, 0.0);
  flip.back() = 0.5;
  return flip;
}

Part turned_by(double degrees) {
  return part("affine", {{"degree", 1.0},
                         {"rotation", degrees},
                         {"angles", 1},
                         {"scale", 0.0},
                         {"translation", 0.0},
                         {"shear", 0.0}});
}

}  // namespace

Part part(const std::string& type, std::vector<std::pair<std::string, OptionValue>> options) {
  Part out{{"type", type}};
  for (auto& [key, value] : options) out.set(key, std::move(value));
  return out;
}

std::vector<std::int64_t> view_size(const std::string& option,
                                    const std::vector<std::int64_t>& given,
                                    const Backbone& backbone, std::int64_t batch) {
  const auto d = backbone.dimensions();
  auto size = given;
  if (size.size() == 1) size.resize(d, size.front());
  if (static_cast<std::int64_t>(size.size()) != d)
    throw RecipeError("[method] '" + option + "' has " + std::to_string(size.size()) +
                      " numbers, the images have " + std::to_string(d) + " axes");
  const auto divisor = backbone.size_divisor();
  if (std::any_of(size.begin(), size.end(), [&](auto side) { return side % divisor != 0; }))
    throw RecipeError("[method] '" + option + "' must be a multiple of " + std::to_string(divisor) +
                      " along every axis, which the backbone asks for; got " +
                      to_toml(array_of(size)));
  backbone.check_batch(size, batch);
  return size;
}

void check_voxelwise(const std::string& method, const Backbone& backbone) {
  if (const auto stride = backbone.strides().back(); stride != 1)
    throw RecipeError("[backbone] the finest level has stride " + std::to_string(stride) +
                      "; method '" + method + "' compares voxels and needs stride 1");
}

ContrastiveChain global_chain(const std::vector<std::int64_t>& size) {
  ContrastiveChain chain;
  chain.size = size;
  chain.flip = last_axis_only(size.size());
  if (size.size() == 3) {
    chain.ratio = {1.0, 1.0};
    chain.flip = {0.5, 0.5, 0.5};
    chain.blur_sigma = {0.1, 1.15};  // 2 * 128 / 224: the same share of a smaller view
  }
  return chain;
}

ContrastiveChain chest_xray_chain(const std::vector<std::int64_t>& size) {
  ContrastiveChain chain;
  chain.size = size;
  chain.min_share = 1.0;
  chain.flip = last_axis_only(size.size());
  chain.rotation = 10.0;
  chain.jitter_probability = chain.gamma_probability = chain.blur_probability = 0.0;
  return chain;
}

ContrastiveChain dense_chain(const std::vector<std::int64_t>& size) {
  ContrastiveChain chain;
  chain.size = size;
  chain.flip = last_axis_only(size.size());
  chain.gamma_probability = 0.0;
  return chain;
}

Parts chain_of(const ContrastiveChain& views) {
  Parts chain;
  const auto add = [&](double chance, const std::string& type,
                       std::vector<std::pair<std::string, OptionValue>> options) {
    if (chance <= 0) return;
    options.emplace_back("probability", chance);
    chain.push_back(part(type, std::move(options)));
  };
  // Turned before it is cropped, so that the window shows no corner from outside the image.
  if (views.rotation > 0) chain.push_back(turned_by(views.rotation));
  if (views.min_share < 1)
    chain.push_back(part("random_resized_crop", {{"size", array_of(views.size)},
                                                 {"scale", OptionArray{views.min_share, 1.0}},
                                                 {"ratio", array_of(views.ratio)}}));
  else
    chain.push_back(part("resize", {{"size", array_of(views.size)}}));
  if (any(views.flip)) chain.push_back(part("flip", {{"axis_probability", array_of(views.flip)}}));
  add(views.quarter_turn_probability, "rotate90", {});
  if (views.strength > 0)
    add(views.jitter_probability, "jitter",
        {{"brightness", views.strength}, {"contrast", views.strength}});
  add(views.gamma_probability, "gamma", {{"exponent", array_of(views.gamma)}});
  add(views.blur_probability, "blur",
      {{"sigma", array_of(views.blur_sigma)}, {"radius", "three_sigma"}});
  add(views.solarise_probability, "solarise", {});
  return chain;
}

Parts shared_window(const std::vector<std::int64_t>& size, std::optional<Part> flip) {
  if (!flip) {
    const auto chances = size.size() == 2 ? last_axis_only(2) : std::vector<double>{0.5};
    flip = part("flip", {{"axis_probability", array_of(chances)}});
  }
  flip->set("shared", true);
  return {part("crop", {{"size", array_of(size)}, {"shared", true}}), *flip};
}

std::vector<ViewSpec> clean_and_damaged(const Parts& window, const Parts& damage) {
  ViewSpec clean{.name = "clean", .chain = window, .phase = ""};
  ViewSpec damaged{.name = "damaged", .chain = window, .phase = ""};
  damaged.chain.insert(damaged.chain.end(), damage.begin(), damage.end());
  return {clean, damaged};
}

}  // namespace covector::transforms
