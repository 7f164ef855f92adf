#include "support/catch.h"

#include "covector/networks/queue.h"

#include <torch/types.h>

using covector::networks::Queue;

namespace {

using Keys = std::vector<double>;

void push(Queue& queue, const Keys& keys) {
  queue.hold(torch::tensor(keys, torch::kFloat64).unsqueeze(1));
  queue.store();
}

// A queue of width 1 that holds these keys.
Queue filled(const Keys& keys) {
  Queue queue(static_cast<std::int64_t>(keys.size()), 1);
  queue.to(torch::kFloat64);
  push(queue, keys);
  return queue;
}

Keys keys_of(const Queue& queue) {
  const auto keys = queue.keys().flatten().to(torch::kFloat64).contiguous();
  return {keys.data_ptr<double>(), keys.data_ptr<double>() + keys.numel()};
}

}  // namespace

TEST_CASE("a queue overwrites its oldest keys", "[queue]") {
  auto queue = filled({10, 11, 12, 13});
  CHECK(queue.pointer() == 0);
  push(queue, {1, 2});
  CHECK(keys_of(queue) == Keys{1, 2, 12, 13});
  CHECK(queue.pointer() == 2);
  push(queue, {3, 4});
  CHECK(keys_of(queue) == Keys{1, 2, 3, 4});
  CHECK(queue.pointer() == 0);
  push(queue, {5, 6});
  CHECK(keys_of(queue) == Keys{5, 6, 3, 4});
  CHECK(queue.pointer() == 2);
}

TEST_CASE("a queue wraps around within a batch", "[queue]") {
  auto queue = filled({10, 11, 12, 13});
  push(queue, {1, 2, 3});
  CHECK(keys_of(queue) == Keys{1, 2, 3, 13});
  CHECK(queue.pointer() == 3);
  push(queue, {4, 5, 6});
  CHECK(keys_of(queue) == Keys{5, 6, 3, 4});
  CHECK(queue.pointer() == 2);
  push(queue, {7, 8, 9});
  CHECK(keys_of(queue) == Keys{9, 6, 7, 8});
  CHECK(queue.pointer() == 1);
}

TEST_CASE("the pointer of a queue that the batch does not divide", "[queue]") {
  Queue queue(10, 3);
  for (int push = 0; push < 3; ++push) {
    queue.hold(torch::randn({4, 3}));
    queue.store();
  }
  CHECK(queue.pointer() == 2);
}

TEST_CASE("of more keys than there is room for the last stay", "[queue]") {
  auto queue = filled({10, 11, 12});
  push(queue, {20});
  // One after the other from place 1 on: 1 2 3 4 5 6 7, of which 5 6 7 are the last.
  push(queue, {1, 2, 3, 4, 5, 6, 7});
  CHECK(keys_of(queue) == Keys{6, 7, 5});
  CHECK(queue.pointer() == 2);
}

TEST_CASE("a queue stores what it holds together, and only then", "[queue]") {
  auto queue = filled({10, 11, 12, 13});
  const auto rows = [](Keys keys) {
    return torch::tensor(keys, torch::kFloat64).unsqueeze(1).requires_grad_();
  };
  queue.hold(rows({1}));
  queue.hold(rows({2, 3}));
  CHECK(keys_of(queue) == Keys{10, 11, 12, 13});
  queue.store();
  CHECK(keys_of(queue) == Keys{1, 2, 3, 13});
  CHECK_FALSE(queue.keys().requires_grad());
  queue.store();  // nothing new
  CHECK(keys_of(queue) == Keys{1, 2, 3, 13});
  CHECK(queue.pointer() == 3);
}

TEST_CASE("a queue starts full of random unit rows", "[queue]") {
  torch::manual_seed(1);
  const Queue queue(50, 16);
  CHECK((queue.keys().norm(2, 1) - 1).abs().max().item<double>() < 1e-6);
  // No direction is preferred: the mean row of 50 has length about 1 / sqrt(50).
  CHECK(queue.keys().mean(0).norm().item<double>() < 0.3);
}

TEST_CASE("a queue's state is in the checkpoint", "[queue]") {
  const Queue queue(4, 2);
  CHECK(queue.named_buffers().keys() == std::vector<std::string>{"keys", "pointer"});
  CHECK(queue.named_parameters().is_empty());
}

TEST_CASE("a queue keeps float32 keys of half precision rows", "[queue]") {
  Queue queue(3, 2);
  queue.hold(torch::tensor({{0.5F, 0.25F}}).to(torch::kBFloat16));
  queue.store();
  CHECK(queue.keys().dtype() == torch::kFloat32);
  CHECK(queue.keys()[0][1].item<float>() == 0.25F);
}

TEST_CASE("a queue says which keys do not fit", "[queue][errors]") {
  Queue queue(4, 2);
  CHECK_THROWS_WITH(queue.hold(torch::zeros({3, 5})),
                    "keys of a queue: expected [*, 2], got [3, 5]");
  CHECK_THROWS_WITH(Queue(0, 2), "a queue needs room for a key");
}
