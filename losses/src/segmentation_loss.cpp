#include "covector/losses/segmentation_loss.h"

#include "accumulate.h"
#include "covector/core/check.h"
#include "labels.h"

#include <torch/types.h>

#include <numeric>

namespace covector::losses {
namespace {

void check(const at::Tensor& logits, const at::Tensor& labels) {
  check_shape("labels", labels, one_channel(logits));
  check_labels("labels", labels, logits.size(1));
}

}  // namespace

at::Tensor dice_loss(const at::Tensor& logits, const at::Tensor& labels, DiceForm form) {
  check(logits, labels);
  const auto p = accumulated(logits).softmax(1);
  const auto y = torch::zeros_like(p).scatter_(1, labels, 1);
  // Every axis but the classes', and but the samples' where each sample counts by itself.
  std::vector<std::int64_t> over(p.dim() - 2);
  std::iota(over.begin(), over.end(), 2);
  if (form == DiceForm::transunet) over.push_back(0);
  const auto smooth = form == DiceForm::gvsl ? 1.0 : 1e-5;
  const auto common = 2 * (p * y).sum(over) + smooth;
  const auto total = (p * p).sum(over) + y.sum(over) + smooth;
  return 1 - (common / total).mean();
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels,
                         CrossEntropyForm form) {
  check(logits, labels);
  const auto wide = accumulated(logits);
  if (form == CrossEntropyForm::standard) return -wide.log_softmax(1).gather(1, labels).mean();
  const auto at_label = wide.softmax(1).gather(1, labels);
  return -(at_label + 1e-6).log().mean() / logits.size(1);
}

}  // namespace covector::losses
