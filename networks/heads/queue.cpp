#include "covector/networks/queue.h"

#include "covector/core/check.h"

#include <torch/nn/functional/normalization.h>
#include <torch/types.h>

#include <stdexcept>

namespace covector::networks {

Queue::Queue(std::int64_t capacity, std::int64_t width) {
  if (capacity < 1) throw std::invalid_argument("a queue needs room for a key");
  keys_ =
      register_buffer("keys", torch::nn::functional::normalize(torch::randn({capacity, width})));
  pointer_ = register_buffer("pointer", torch::zeros({}, torch::kInt64));
}

Queue::~Queue() = default;

std::int64_t Queue::pointer() const {
  return pointer_.item<std::int64_t>();
}

void Queue::hold(const at::Tensor& rows) {
  check_shape("keys of a queue", rows, {kAny, keys_.size(1)});
  held_.push_back(rows.detach());
}

void Queue::store() {
  if (held_.empty()) return;
  const torch::NoGradGuard no_grad;
  const auto rows = at::cat(held_).to(keys_.options());
  held_.clear();
  const auto capacity = keys_.size(0);
  const auto count = rows.size(0);
  const auto kept = std::min(count, capacity);
  // On the device, where the pointer stays: nothing waits for it. Cast, as Module::to(dtype) turns
  // the pointer into a floating-point number.
  const auto places =
      (at::arange(count - kept, count, keys_.options().dtype(torch::kInt64)) + pointer_)
          .remainder(capacity)
          .to(torch::kInt64);
  keys_.index_copy_(0, places, rows.narrow(0, count - kept, kept));
  pointer_.add_(count).remainder_(capacity);
}

}  // namespace covector::networks
