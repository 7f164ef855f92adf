#include "covector/losses/dice_score.h"

#include "covector/core/check.h"
#include "labels.h"

#include <torch/types.h>

#include <stdexcept>

namespace covector::losses {
namespace {

DiceScore score(std::int64_t common, std::int64_t predicted, std::int64_t present) {
  if (predicted + present == 0) return {std::nullopt, "absent from both prediction and truth"};
  return {200.0 * static_cast<double>(common) / static_cast<double>(predicted + present), ""};
}

}  // namespace

at::Tensor confusion(const at::Tensor& prediction, const at::Tensor& truth, std::int64_t classes) {
  check_shape("truth", truth, prediction.sizes());
  check_labels("prediction", prediction, classes);
  check_labels("truth", truth, classes);
  const auto pair = truth.flatten() * classes + prediction.flatten();
  return pair.bincount({}, classes * classes).view({classes, classes});
}

DiceScore dice_score(const at::Tensor& counts, std::int64_t label) {
  check_shape("counts", counts, {kAny, counts.size(0)});
  if (label < 0 || label >= counts.size(0))
    throw std::invalid_argument("label: expected 0 .. " + std::to_string(counts.size(0) - 1) +
                                ", got " + std::to_string(label));
  return score(counts[label][label].item<std::int64_t>(),
               counts.select(1, label).sum().item<std::int64_t>(),
               counts.select(0, label).sum().item<std::int64_t>());
}

DiceScore dice_score(const at::Tensor& prediction, const at::Tensor& truth, std::int64_t label) {
  check_shape("truth", truth, prediction.sizes());
  const auto a = prediction == label;
  const auto b = truth == label;
  return score(a.logical_and(b).sum().item<std::int64_t>(), a.sum().item<std::int64_t>(),
               b.sum().item<std::int64_t>());
}

}  // namespace covector::losses
