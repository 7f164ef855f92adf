#include "covector/transforms/spatial/flip.h"

#include "covector/core/check.h"
#include "per_sample.h"

namespace covector::transforms {

SpatialMap flip_map(const at::Tensor& flipped, std::vector<std::int64_t> size) {
  const auto d = static_cast<std::int64_t>(size.size());
  check_shape("flipped", flipped, {kAny, d});
  const auto shift = flipped * (torch::tensor(size, torch::kFloat64) - 1);
  return {torch::cat({(1 - 2 * flipped).diag_embed(), shift.unsqueeze(2)}, 2), std::move(size)};
}

void FlipOptions::describe(Schema<FlipOptions>& schema) {
  schema.summary("Mirrors each sample along randomly chosen axes.");
  schema.field("axis_probability", &FlipOptions::axis_probability)
      .doc(
          "chance to mirror along each axis, in tensor order (D, H, W) or (H, W); one number for "
          "all of them")
      .between(0.0, 1.0)
      .require([](const auto& p) { return 1 <= p.size() && p.size() <= 3; }, "1 to 3 numbers");
  schema.field("go_on", &FlipOptions::go_on)
      .doc(
          "instead of axis_probability: chance to mirror along a random axis, and then along "
          "another, up to three times, as Models Genesis does")
      .between(0.0, 1.0);
}

namespace {

// How often each axis is mirrored, modulo 2, when a random one is up to three times: [N, d].
at::Tensor one_after_another(double go_on, std::int64_t dimensions, Draws& draws) {
  const auto flipped = torch::zeros({draws.batch(), dimensions}, torch::kFloat64);
  for (std::int64_t n = 0; n < draws.batch(); ++n) {
    auto& stream = draws.parameters(n);
    for (int turn = 0; turn < 3 && stream.bernoulli(go_on); ++turn)
      flipped[n][stream.integer(dimensions)] += 1;
  }
  return flipped.remainder(2);
}

}  // namespace

Flip::Flip(const FlipOptions& options) : options_(options) {}

void Flip::apply(View& view, Draws& draws) const {
  if (options_.go_on) {
    const auto flipped = one_after_another(*options_.go_on, view.dimensions(), draws);
    return view.resample(where_applied(flip_map(flipped, view.size()), draws));
  }
  const auto chances =
      for_each_axis("flip", "axis_probability", options_.axis_probability, view.dimensions());
  std::vector<at::Tensor> flipped;
  for (const auto chance : chances) flipped.push_back(draws.bernoulli(chance));
  view.resample(where_applied(flip_map(torch::stack(flipped, 1), view.size()), draws));
}

}  // namespace covector::transforms
