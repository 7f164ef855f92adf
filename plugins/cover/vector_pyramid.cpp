#include "vector_pyramid.h"

#include "covector/networks/vector_embedding.h"

#include <torch/types.h>

#include <string>

namespace covector::cover {

Head::Head(std::int64_t dimensions, std::int64_t in, std::int64_t out)
    : norm_(register_module("norm", std::make_shared<networks::GroupNorm>(1, out))),
      proj_(register_module("proj", std::make_shared<networks::Conv>(dimensions, in, out, 1))) {}

VectorPyramid::VectorPyramid(Shape shape) : shape_(std::move(shape)) {
  for (std::size_t i = 0; i < shape_.groups.size(); ++i) {
    const auto level = first() + i;
    heads_.push_back(register_module(
        std::to_string(level), std::make_shared<Head>(shape_.dimensions, shape_.channels[level],
                                                      shape_.head_dim * shape_.groups[i])));
  }
}

VectorPyramid::Flows VectorPyramid::forward(const std::vector<at::Tensor>& fixed,
                                            const std::vector<at::Tensor>& moving) const {
  Flows flows;
  std::vector<at::Tensor> largest;
  at::Tensor flow;  // what is known so far, on the grid of the level at hand
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const auto level = first() + i;
    const bool last = i + 1 == heads_.size();
    const auto ratio = last ? 1 : shape_.strides[level] / shape_.strides[level + 1];
    const auto moved = i == 0 ? moving[level] : warp(moving[level], flow, shape_.convention);
    const auto units = networks::vector_embedding_groups(heads_[i]->forward(fixed[level]),
                                                         heads_[i]->forward(moved), shape_.radius,
                                                         shape_.groups[i]);
    const auto step = refine(units.vectors.mean(1), ratio);
    flow = i == 0 ? step : warp(refine(flow, ratio), step, shape_.convention) + step;
    flows.levels.push_back(flow);
    largest.push_back(units.largest_weight.max());
  }
  flows.largest_weight = torch::stack(largest).max();
  return flows;
}

at::Tensor refine(const at::Tensor& displacement, std::int64_t ratio) {
  if (ratio == 1) return displacement;
  return networks::upsample_linear(static_cast<double>(ratio) * displacement, ratio, true);
}

}  // namespace covector::cover
