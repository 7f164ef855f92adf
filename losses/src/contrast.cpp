#include "covector/losses/contrast.h"

#include "accumulate.h"
#include "cosine.h"
#include "covector/core/check.h"
#include "covector/losses/full_precision.h"

#include <torch/types.h>

#include <limits>

namespace covector::losses {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// <a_i, b_j> / temperature: [n, m]. The temperature divides the shorter factor, not the product,
// which saves one matrix of the size of the result.
at::Tensor logits(const at::Tensor& a, const at::Tensor& b, double temperature) {
  const FullPrecision full_precision;
  return torch::matmul(accumulated(a) / temperature, accumulated(b).t());
}

// The same row of a and b: [n].
at::Tensor paired(const at::Tensor& a, const at::Tensor& b) {
  return (accumulated(a) * accumulated(b)).sum(1);
}

void check_rows(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& negatives) {
  check_shape("queries", queries, {kAny, kAny});
  check_shape("keys", keys, queries.sizes());
  check_shape("negatives", negatives, {kAny, queries.size(1)});
}

// Cosines of 2n rows with each other; a row does not meet itself.
at::Tensor others(const at::Tensor& rows, double temperature) {
  const auto itself = torch::eye(rows.size(0), torch::dtype(torch::kBool).device(rows.device()));
  return logits(rows, rows, temperature).masked_fill(itself, -kInfinity);
}

}  // namespace

at::Tensor unit(const at::Tensor& x, std::int64_t axis) {
  const auto wide = accumulated(x);
  return wide / wide.norm(2, {axis}, true).clamp_min(1e-12);
}

at::Tensor info_nce(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& negatives,
                    double temperature) {
  check_rows(queries, keys, negatives);
  const auto positive = paired(queries, keys.detach()) / temperature;
  // Without joining the positive to the negatives there is one matrix of logits, not two.
  const auto rest = logits(queries, negatives.detach(), temperature).logsumexp(1);
  return torch::logaddexp(positive, rest) - positive;
}

at::Tensor info_nce_accuracy(const at::Tensor& queries, const at::Tensor& keys,
                             const at::Tensor& negatives) {
  check_rows(queries, keys, negatives);
  const torch::NoGradGuard no_grad;
  const auto nearest = logits(queries, negatives, 1.0).amax(1);
  return (paired(queries, keys) > nearest).to(torch::kFloat32).mean();
}

at::Tensor nt_xent(const at::Tensor& first, const at::Tensor& second, double temperature,
                   const at::Tensor& more) {
  check_shape("first", first, {kAny, kAny});
  check_shape("second", second, first.sizes());
  const auto rows = torch::cat({first, second});
  const auto positive = (paired(first, second) / temperature).repeat(2);
  auto all = others(rows, temperature).logsumexp(1);
  if (more.defined()) {
    check_shape("more", more, {kAny, first.size(1)});
    all = torch::logaddexp(all, logits(rows, more.detach(), temperature).logsumexp(1));
  }
  return all - positive;
}

at::Tensor nt_xent_accuracy(const at::Tensor& first, const at::Tensor& second) {
  check_shape("first", first, {kAny, kAny});
  check_shape("second", second, first.sizes());
  const torch::NoGradGuard no_grad;
  const auto n = first.size(0);
  const auto nearest = others(torch::cat({first, second}), 1.0).argmax(1);
  const auto partner = torch::arange(2 * n, nearest.options()).roll(n);
  return (nearest == partner).to(torch::kFloat32).mean();
}

at::Tensor cosine_to(const at::Tensor& p, const at::Tensor& z) {
  check_shape("p", p, {kAny, kAny});
  check_shape("z", z, p.sizes());
  return cosine(accumulated(p), accumulated(z.detach()), 1).squeeze(1);
}

at::Tensor label_contrast(const at::Tensor& queries, const at::Tensor& query_labels,
                          const at::Tensor& keys, const at::Tensor& key_labels,
                          double temperature) {
  check_shape("queries", queries, {kAny, kAny});
  check_shape("keys", keys, {kAny, queries.size(1)});
  check_shape("query_labels", query_labels, {queries.size(0)});
  check_shape("key_labels", key_labels, {keys.size(0)});
  // As good as minus infinity, which would leave nothing to divide by where no key takes part.
  constexpr double kNever = -1e30;
  const auto labelled = (key_labels >= 0).unsqueeze(0);
  const auto chance = logits(queries, keys.detach(), temperature)
                          .masked_fill(labelled.logical_not(), kNever)
                          .log_softmax(1);
  const auto positive = (query_labels.unsqueeze(1) == key_labels.unsqueeze(0)) & labelled;
  const auto count = positive.sum(1);
  const auto each = torch::where(positive, chance, 0).sum(1) / count.clamp_min(1);
  return -each.sum() / (count > 0).sum().clamp_min(1);
}

}  // namespace covector::losses
