#include "ops/vector_embedding.h"

#include <torch/library.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace covector::networks::ops::reference {
namespace {

using Offset = std::vector<std::int64_t>;

// Calls visit(o) for each of the (2 radius + 1)^d offsets.
void for_each_offset(std::int64_t dimensions, std::int64_t radius,
                     const std::function<void(const Offset&)>& visit) {
  Offset offset(dimensions, -radius);
  while (true) {
    visit(offset);
    auto axis = dimensions - 1;
    while (axis >= 0 && offset[axis] == radius) offset[axis--] = -radius;
    if (axis < 0) return;
    ++offset[axis];
  }
}

// The positions p of the last axes of x for which p + o lies in the grid.
at::Tensor from(const at::Tensor& x, const Offset& offset) {
  auto part = x;
  const auto d = static_cast<std::int64_t>(offset.size());
  for (std::int64_t i = 0; i < d; ++i) {
    const auto axis = x.dim() - d + i;
    const auto side = x.size(axis);
    const auto reach = std::min(std::abs(offset[i]), side);
    part = part.narrow(axis, offset[i] < 0 ? reach : 0, side - reach);
  }
  return part;
}

// Their neighbours p + o.
at::Tensor to(const at::Tensor& x, const Offset& offset) {
  Offset back(offset);
  for (auto& o : back) o = -o;
  return from(x, back);
}

// Query and key as [N, head_dim, groups, *size].
struct Units {
  Units(const at::Tensor& query, const at::Tensor& key, std::int64_t groups)
      : q(split(query, groups)), k(split(key, groups)) {
    scale = 1 / std::sqrt(static_cast<double>(q.size(1)));
  }
  static at::Tensor split(const at::Tensor& x, std::int64_t groups) {
    auto shape = x.sizes().vec();
    shape[1] /= groups;
    shape.insert(shape.begin() + 2, groups);
    return x.view(shape);
  }
  // [N, groups, *the positions whose neighbour is inside].
  at::Tensor inner_logit(const Offset& offset) const {
    return (from(q, offset) * to(k, offset)).sum(1) * scale;
  }
  // [N, groups, *size].
  at::Tensor logit(const Offset& offset) const {
    auto all = at::full_like(q.select(1, 0), kOutsideLogit, at::MemoryFormat::Contiguous);
    from(all, offset).copy_(inner_logit(offset));
    return all;
  }
  at::Tensor q;
  at::Tensor k;
  double scale = 1;
};

}  // namespace

Forward vector_embedding(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
                         std::int64_t groups) {
  const auto d = query.dim() - 2;
  const Units units(query, key, groups);
  at::Tensor peak;
  for_each_offset(d, radius, [&](const Offset& offset) {
    const auto logit = units.logit(offset);
    peak = peak.defined() ? at::maximum(peak, logit) : logit;
  });
  auto total = at::zeros_like(peak);
  std::vector<at::Tensor> sums(d);
  for (auto& sum : sums) sum = at::zeros_like(peak);
  for_each_offset(d, radius, [&](const Offset& offset) {
    const auto weight = (units.logit(offset) - peak).exp();
    total += weight;
    for (std::int64_t axis = 0; axis < d; ++axis) sums[axis].add_(weight, offset[axis]);
  });
  return {at::stack(sums, 2) / total.unsqueeze(2), peak, total.reciprocal()};
}

Backward vector_embedding_backward(const at::Tensor& grad, const at::Tensor& slope,
                                   const at::Tensor& query, const at::Tensor& key,
                                   const at::Tensor& peak, const at::Tensor& largest,
                                   std::int64_t radius, std::int64_t groups) {
  const auto d = query.dim() - 2;
  const Units units(query, key, groups);
  auto grad_q = at::zeros_like(units.q);
  auto grad_k = at::zeros_like(units.k);
  for_each_offset(d, radius, [&](const Offset& offset) {
    // d v / d l(o) = weight (o - v); a neighbour outside has a constant logit.
    auto along = -from(slope, offset);
    for (std::int64_t axis = 0; axis < d; ++axis)
      along = along + from(grad.select(2, axis), offset) * offset[axis];
    const auto weight =
        (units.inner_logit(offset) - from(peak, offset)).exp() * from(largest, offset);
    const auto step = (weight * along * units.scale).unsqueeze(1);
    from(grad_q, offset) += step * to(units.k, offset);
    to(grad_k, offset) += step * from(units.q, offset);
  });
  return {grad_q.view(query.sizes()), grad_k.view(key.sizes())};
}

}  // namespace covector::networks::ops::reference

// For every device without a kernel of its own.
TORCH_LIBRARY_IMPL(covector, CompositeExplicitAutograd, library) {
  namespace reference = covector::networks::ops::reference;
  library.impl("vector_embedding", &reference::vector_embedding);
  library.impl("vector_embedding_backward", &reference::vector_embedding_backward);
}
