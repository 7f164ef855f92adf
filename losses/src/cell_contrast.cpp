#include "covector/losses/cell_contrast.h"

#include "accumulate.h"
#include "covector/core/check.h"
#include "covector/losses/full_precision.h"

#include <torch/types.h>

namespace covector::losses {
namespace {

at::Tensor similarities(const at::Tensor& queries, const at::Tensor& keys, double temperature) {
  check_shape("queries", queries, {kAny, kAny, kAny});
  check_shape("keys", keys, {queries.size(0), kAny, queries.size(2)});
  const FullPrecision full_precision;
  return at::bmm(accumulated(queries) / temperature, accumulated(keys).detach().transpose(1, 2));
}

}  // namespace

at::Tensor negative_mass(const at::Tensor& queries, const at::Tensor& negatives,
                         double temperature) {
  check_shape("queries", queries, {kAny, kAny, kAny});
  check_shape("negatives", negatives, {kAny, queries.size(2)});
  const FullPrecision full_precision;
  // The few queries are divided, not the many similarities.
  const auto logits = at::matmul(accumulated(queries).flatten(0, 1) / temperature,
                                 accumulated(negatives).detach().t());
  return logits.logsumexp(1).view({queries.size(0), queries.size(1)});
}

at::Tensor cell_nce(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& chosen,
                    const at::Tensor& negatives, double temperature) {
  check_shape("chosen", chosen, {queries.size(0), queries.size(1), kAny});
  const auto positive = similarities(queries, keys, temperature).gather(2, chosen);
  const auto mass = negative_mass(queries, negatives, temperature).unsqueeze(2);
  return at::logaddexp(positive, mass) - positive;
}

at::Tensor set_nce(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& positive,
                   const at::Tensor& negatives, double temperature) {
  constexpr double kEpsilon = 1e-8;
  // As good as minus infinity, whose gradient would be 0 / 0 where a query has no positive.
  constexpr double kNever = -1e30;
  const auto similarity = similarities(queries, keys, temperature);
  check_shape("positive", positive, similarity.sizes());
  const auto among_positives = similarity.masked_fill(positive.logical_not(), kNever).logsumexp(2);
  const auto all = at::logaddexp(among_positives, negative_mass(queries, negatives, temperature));
  const auto count = positive.sum(2).to(similarity.scalar_type());
  const auto pulled = similarity.masked_fill(positive.logical_not(), 0).sum(2);
  const auto per_query = (count * all - pulled) / (count + kEpsilon);
  const auto queries_with_positive = count.gt(0).sum(1).to(similarity.scalar_type());
  return (per_query.sum(1) / (queries_with_positive + kEpsilon)).mean();
}

}  // namespace covector::losses
