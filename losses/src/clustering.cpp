#include "covector/losses/clustering.h"

#include "accumulate.h"
#include "covector/core/check.h"
#include "covector/losses/contrast.h"
#include "covector/losses/full_precision.h"

#include <ATen/ops/_unique2.h>
#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

namespace covector::losses {
namespace {

// Calls use(first, count) for runs of rows that, times `width`, stay below 4 million numbers.
void in_chunks(std::int64_t rows, std::int64_t width,
               const std::function<void(std::int64_t, std::int64_t)>& use) {
  constexpr std::int64_t kNumbers = 1 << 22;
  const auto most = std::max<std::int64_t>(1, kNumbers / width);
  for (std::int64_t first = 0; first < rows; first += most)
    use(first, std::min(most, rows - first));
}

// Sums of the rows with each label, [k, C] float64. Products with one-hot rows rather than
// index_add, whose order of summation changes from run to run on a GPU.
at::Tensor sums(const at::Tensor& rows, const at::Tensor& labels, std::int64_t k) {
  auto total = torch::zeros({k, rows.size(1)}, rows.options().dtype(torch::kFloat64));
  in_chunks(rows.size(0), std::max(k, rows.size(1)), [&](std::int64_t first, std::int64_t count) {
    const auto member = torch::one_hot(labels.narrow(0, first, count), k).to(rows.scalar_type());
    total += torch::matmul(member.t(), rows.narrow(0, first, count));
  });
  return total;
}

// The centroids of the rows of each label; empty ones as k_means says.
at::Tensor updated(const at::Tensor& rows, const at::Tensor& labels, std::int64_t k,
                   RandomStream& random) {
  const auto sizes = torch::bincount(labels, {}, k).to(torch::kFloat64);
  auto centroids = (sums(rows, labels, k) / sizes.clamp_min(1).unsqueeze(1)).to(rows.scalar_type());
  const auto on_host = sizes.cpu();
  std::vector<double> counts(on_host.data_ptr<double>(), on_host.data_ptr<double>() + k);
  for (std::int64_t empty = 0; empty < k; ++empty) {
    if (counts[empty] > 0) continue;
    const auto from = donor(counts, random);
    const auto pair = split_centroid(centroids[from]);
    centroids[empty].copy_(pair.first);
    centroids[from].copy_(pair.second);
    counts[empty] = counts[from] /= 2;
  }
  return centroids;
}

// In nats.
double entropy(const at::Tensor& labels) {
  const auto counts = std::get<2>(at::_unique2(labels, true, false, true)).to(torch::kFloat64);
  const auto p = counts / counts.sum();
  return -torch::special_xlogy(p, p).sum().item<double>();
}

}  // namespace

at::Tensor sinkhorn(const at::Tensor& scores, double epsilon, std::int64_t iterations) {
  check_shape("scores", scores, {kAny, kAny});
  const torch::NoGradGuard no_grad;
  // The constants 1 / C and 1 / n of the formula cancel: the last step makes rows sum to 1. What
  // sums to nothing, log 0, stays as it is.
  const auto shared_out = [](const at::Tensor& q, std::int64_t axis) {
    const auto sum = q.logsumexp(axis, true);
    return q - sum.masked_fill(sum.isneginf(), 0);
  };
  auto q = accumulated(scores) / epsilon;
  for (std::int64_t i = 0; i < iterations; ++i) q = shared_out(shared_out(q, 0), 1);
  return q.exp();
}

at::Tensor whitened(const at::Tensor& rows, std::int64_t width, double floor) {
  check_shape("rows", rows, {kAny, kAny});
  const auto n = rows.size(0);
  const auto channels = rows.size(1);
  if (width < 1 || width > std::min(n, channels))
    throw std::invalid_argument("width: must be within 1 .. " +
                                std::to_string(std::min(n, channels)) + " for " +
                                std::to_string(n) + " rows of " + std::to_string(channels) +
                                " numbers, got " + std::to_string(width));
  const torch::NoGradGuard no_grad;
  const FullPrecision full_precision;
  const auto wide = accumulated(rows);
  const auto mean = wide.mean(0, true, torch::kFloat64);
  auto covariance = torch::zeros({channels, channels}, mean.options());
  in_chunks(n, channels, [&](std::int64_t first, std::int64_t count) {
    const auto part = wide.narrow(0, first, count) - mean;
    covariance += torch::matmul(part.t(), part) / static_cast<double>(n);
  });
  // Eigenvalues ascend.
  const auto [values, axes] = torch::linalg_eigh(covariance);
  const auto damped = values.clamp_min(0) + floor * values[channels - 1].clamp_min(0);
  const auto scale = damped.clamp_min(std::numeric_limits<double>::min()).rsqrt();
  const auto turn = (axes * scale).narrow(1, channels - width, width).flip(1);
  auto out = torch::empty({n, width}, wide.options());
  in_chunks(n, channels, [&](std::int64_t first, std::int64_t count) {
    const auto part = wide.narrow(0, first, count) - mean;
    out.narrow(0, first, count).copy_(unit(torch::matmul(part, turn)));
  });
  return out;
}

Clusters assign(const at::Tensor& rows, const at::Tensor& centroids) {
  check_shape("rows", rows, {kAny, kAny});
  check_shape("centroids", centroids, {kAny, rows.size(1)});
  const torch::NoGradGuard no_grad;
  const FullPrecision full_precision;
  const auto k = centroids.size(0);
  const auto lengths = centroids.square().sum(1);
  auto labels = torch::empty({rows.size(0)}, rows.options().dtype(torch::kInt64));
  auto objective = torch::zeros({}, rows.options().dtype(torch::kFloat64));
  in_chunks(rows.size(0), std::max(k, rows.size(1)), [&](std::int64_t first, std::int64_t count) {
    const auto part = rows.narrow(0, first, count);
    // |r - c|^2 less |r|^2, which is the same for all centroids.
    const auto nearest = torch::addmm(lengths, part, centroids.t(), 1, -2).argmin(1);
    labels.narrow(0, first, count).copy_(nearest);
    objective += (part - centroids.index_select(0, nearest)).square().sum(torch::kFloat64);
  });
  return {labels, centroids, objective.item<double>()};
}

std::int64_t donor(const std::vector<double>& counts, RandomStream& random) {
  double total = 0;
  for (const auto count : counts) total += std::max(0.0, count - 1);
  auto left = random.uniform() * total;
  std::int64_t last = 0;  // the last that can give, should rounding leave a rest
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] <= 1) continue;
    last = static_cast<std::int64_t>(i);
    left -= counts[i] - 1;
    if (left < 0) break;
  }
  return last;
}

std::pair<at::Tensor, at::Tensor> split_centroid(const at::Tensor& donor) {
  auto sign = torch::ones_like(donor);
  sign.slice(0, 1, {}, 2).fill_(-1);
  return {donor * (1 + sign / 1024), donor * (1 - sign / 1024)};
}

Clusters k_means(const at::Tensor& rows, std::int64_t k, std::uint64_t seed,
                 std::int64_t iterations) {
  check_shape("rows", rows, {kAny, kAny});
  const auto n = rows.size(0);
  if (k < 1 || k > n)
    throw std::invalid_argument("k: must be within 1 .. " + std::to_string(n) +
                                ", the number of rows, got " + std::to_string(k));
  const torch::NoGradGuard no_grad;
  const FullPrecision full_precision;
  const auto points = accumulated(rows);
  RandomStream random(seed, "k-means");
  auto start = random.permutation(n);
  start.resize(k);
  auto centroids = points.index_select(0, torch::tensor(start, torch::kInt64).to(rows.device()));
  for (std::int64_t i = 0; i < iterations; ++i)
    centroids = updated(points, assign(points, centroids).labels, k, random);
  return assign(points, centroids);
}

double mutual_information(const at::Tensor& a, const at::Tensor& b) {
  check_shape("a", a, {kAny});
  check_shape("b", b, {a.size(0)});
  const auto in_a = entropy(a);
  const auto in_b = entropy(b);
  const auto joint = entropy(a * (b.max() + 1) + b);
  return in_a + in_b > 0 ? 2 * (in_a + in_b - joint) / (in_a + in_b) : 0.0;
}

}  // namespace covector::losses
