#include "contrast.h"

#include "covector/core/check.h"
#include "covector/losses/full_precision.h"

#include <torch/types.h>

namespace covector::chaitanya {
namespace {

constexpr double kNever = -1e9;  // a similarity that adds nothing, and whose gradient is 0

}  // namespace

at::Tensor region_contrast(const at::Tensor& first, const at::Tensor& second,
                           const at::Tensor& negatives, double temperature) {
  check_shape("first", first, {kAny, kAny, kAny});
  check_shape("second", second, first.sizes());
  check_shape("negatives", negatives, {kAny, kAny});
  const losses::FullPrecision full_precision;
  const auto anchors = negatives.size(0);
  const auto chosen = negatives.unsqueeze(0).expand({first.size(0), -1, -1});
  const auto similarity = [&](const at::Tensor& a, const at::Tensor& b) {
    return torch::matmul(a.narrow(1, 0, anchors) / temperature, b.transpose(1, 2));
  };
  const auto there = similarity(first, second);
  const auto positive = there.diagonal(0, 1, 2).unsqueeze(2);
  const auto loss = [&](const at::Tensor& within, const at::Tensor& across) {
    const auto all = torch::cat({positive, within.gather(2, chosen), across.gather(2, chosen)}, 2);
    return all.logsumexp(2, true) - positive;
  };
  return torch::cat({loss(similarity(first, first), there),
                     loss(similarity(second, second), similarity(second, first))},
                    2);
}

at::Tensor partition_contrast(const at::Tensor& rows, const at::Tensor& partition,
                              double temperature, const at::Tensor& more,
                              const at::Tensor& more_partition) {
  check_shape("rows", rows, {kAny, kAny});
  check_shape("partition", partition, {rows.size(0)});
  const losses::FullPrecision full_precision;
  const auto of_other = [&](const at::Tensor& similarity, const at::Tensor& partitions) {
    const auto same = partition.unsqueeze(1) == partitions.unsqueeze(0);
    return similarity.masked_fill(same, kNever).logsumexp(1);
  };
  const auto similarity = torch::matmul(rows / temperature, rows.t());
  auto negative = of_other(similarity, partition);
  if (more.defined()) {
    check_shape("more", more, {kAny, rows.size(1)});
    check_shape("more_partition", more_partition, {more.size(0)});
    const auto further = torch::matmul(rows / temperature, more.detach().t());
    negative = torch::logaddexp(negative, of_other(further, more_partition));
  }
  return torch::logaddexp(similarity, negative.unsqueeze(1)) - similarity;
}

at::Tensor partition_pairs(const at::Tensor& partition) {
  const auto rows = partition.size(0);
  const auto row = torch::arange(rows, partition.options().dtype(torch::kInt64));
  const auto equal = [](const at::Tensor& numbers) {
    return numbers.unsqueeze(1) == numbers.unsqueeze(0);
  };
  const auto sample = equal(row.remainder(rows / 2));
  const auto view = equal(row.div(rows / 2, "floor"));
  // One of the two alone: a row is no positive of itself.
  return equal(partition).logical_and(sample != view);
}

}  // namespace covector::chaitanya
