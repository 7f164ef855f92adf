#include "covector/networks/checkpointing.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/peak_memory.h"

#include "covector/core/schema.h"
#include "covector/networks/heads.h"
#include "covector/networks/norms.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

using namespace covector;
using namespace covector::networks;
using covector::testing::peak_bytes;

namespace {

/// A linear layer whose outputs are multiplied by dropout's noise and normalised over the batch.
class Noisy final : public torch::nn::Module {
 public:
  Noisy() {
    linear = register_module("linear", std::make_shared<Linear>(3, 4));
    norm = register_module("norm", std::make_shared<BatchNorm>(4));
  }
  at::Tensor forward(const at::Tensor& x) {
    ++runs;
    return norm->forward(at::dropout(linear->forward(x), 0.5, is_training()));
  }
  std::shared_ptr<Linear> linear;
  std::shared_ptr<BatchNorm> norm;
  int runs = 0;
};

Piece piece_of(const std::shared_ptr<Noisy>& module) {
  return [module](const Maps& maps) { return Maps{module->forward(maps[0])}; };
}

std::shared_ptr<Noisy> noisy() {
  torch::manual_seed(3);
  auto module = std::make_shared<Noisy>();
  module->to(torch::kFloat64);
  return module;
}

at::Tensor input() {
  torch::manual_seed(5);
  return torch::randn({6, 3}, torch::kFloat64).requires_grad_();
}

/// Weighs each output otherwise.
at::Tensor loss_of(const at::Tensor& y) {
  return (y * torch::arange(24.0, y.options()).view({6, 4})).square().sum();
}

}  // namespace

TEST_CASE("a checkpointed piece gives the gradients of the piece to the bit", "[checkpointing]") {
  const auto plain = noisy();
  const auto saving = noisy();
  const auto x = input();
  const auto z = input();
  torch::manual_seed(7);
  const auto y = plain->forward(x);
  loss_of(y).backward();

  torch::manual_seed(7);
  const auto again = checkpoint(piece_of(saving), {saving}, {z})[0];
  torch::manual_seed(11);  // other numbers are drawn between the two passes
  loss_of(again).backward();
  CHECK(saving->runs == 2);
  CHECK(torch::equal(again, y));
  CHECK(torch::equal(z.grad(), x.grad()));
  const auto parameters = saving->named_parameters();
  for (const auto& item : plain->named_parameters()) {
    INFO(item.key());
    CHECK(torch::equal(parameters[item.key()].grad(), item.value().grad()));
  }
}

TEST_CASE("random numbers go on after a checkpointed piece as after any", "[checkpointing]") {
  const auto draw_after = [](bool checkpointed) {
    const auto module = noisy();
    const auto x = input();
    torch::manual_seed(7);
    const auto y =
        checkpointed ? checkpoint(piece_of(module), {module}, {x})[0] : module->forward(x);
    const auto between = torch::rand({3});
    loss_of(y).backward();
    return at::cat({between, torch::rand({3})});
  };
  CHECK(torch::equal(draw_after(true), draw_after(false)));
}

TEST_CASE("running averages count a batch once", "[checkpointing]") {
  const auto module = std::make_shared<BatchNorm>(1);
  const auto x = torch::tensor({{1.0F}, {3.0F}}).requires_grad_();
  const auto y = checkpoint([module](const Maps& maps) { return Maps{module->forward(maps[0])}; },
                            {module}, {x})[0];
  CHECK(module->running_mean.item<float>() == Approx(0.2));  // 0.1 * (1 + 3) / 2
  CHECK(module->running_var.item<float>() == Approx(1.1));   // 0.9 * 1 + 0.1 * 2
  y.square().sum().backward();
  CHECK(module->running_mean.item<float>() == Approx(0.2));
  CHECK(module->running_var.item<float>() == Approx(1.1));
  CHECK(module->num_batches_tracked.item<std::int64_t>() == 1);
}

TEST_CASE("several outputs, views among them, each give their gradient", "[checkpointing]") {
  // y = x^2, a transposed view of it, and x itself: 2x (1 + 10) + 100.
  const auto x = torch::tensor({{1.0, 2.0}, {3.0, 4.0}}).requires_grad_();
  const Piece piece = [](const Maps& maps) {
    const auto y = maps[0].square();
    return Maps{y, y.t(), maps[0]};
  };
  const auto outputs = checkpoint(piece, {}, {x});
  (outputs[0] + 10 * outputs[1].t() + 100 * outputs[2]).sum().backward();
  CHECK(torch::equal(x.grad(), 22 * x.detach() + 100));
  // A loss that reads one of them.
  const auto w = x.detach().clone().requires_grad_();
  checkpoint(piece, {}, {w})[1].narrow(0, 0, 1).sum().backward();
  CHECK(torch::equal(w.grad(), 2 * w.detach() * torch::tensor({{1.0, 0.0}, {1.0, 0.0}})));
}

TEST_CASE("a checkpointed piece can be asked for gradients at single tensors", "[checkpointing]") {
  const auto module = std::make_shared<Linear>(1, 1);
  module->bias.requires_grad_(false);
  const auto x = torch::tensor({{2.0F}, {5.0F}});
  const auto unused = torch::ones({1}).requires_grad_();
  const auto y = checkpoint([module](const Maps& maps) { return Maps{module->forward(maps[0])}; },
                            {module}, {x, unused})[0];
  const auto found =
      torch::autograd::grad({y.sum()}, {module->weight, unused}, {}, {}, false, true);
  CHECK(found[0].item<float>() == 7);
  CHECK_FALSE(found[1].defined());
  CHECK_FALSE(module->weight.grad().defined());  // nothing is left behind
}

TEST_CASE("without a gradient the piece runs once and keeps nothing", "[checkpointing]") {
  const auto module = noisy();
  const auto x = input();
  {
    const torch::NoGradGuard no_grad;
    CHECK_FALSE(checkpoint(piece_of(module), {module}, {x})[0].requires_grad());
  }
  for (auto& parameter : module->parameters()) parameter.requires_grad_(false);
  CHECK_FALSE(checkpoint(piece_of(module), {module}, {x.detach()})[0].requires_grad());
  CHECK(module->runs == 2);
}

TEST_CASE("both runs have the precision of the first", "[checkpointing]") {
  std::vector<at::ScalarType> seen;
  const auto module = std::make_shared<Linear>(2, 2);
  const Piece piece = [&](const Maps& maps) {
    auto y = module->forward(maps[0]);
    seen.push_back(y.scalar_type());
    return Maps{y};
  };
  const auto x = torch::ones({1, 2}).requires_grad_();
  const auto autocast = [](bool on) { at::autocast::set_autocast_enabled(at::kCPU, on); };
  const bool first = GENERATE(true, false);
  autocast(first);
  const auto y = checkpoint(piece, {module}, {x})[0];
  autocast(!first);
  const auto twice = module->forward(x);
  y.sum().backward();
  CHECK(at::autocast::is_autocast_enabled(at::kCPU) == !first);
  CHECK(at::autocast::is_autocast_cache_enabled());
  autocast(false);
  at::autocast::clear_cache();
  const auto wanted = first ? at::kBFloat16 : at::kFloat;
  CHECK(seen == std::vector<at::ScalarType>{wanted, wanted});
  CHECK(module->weight.grad().defined());
  CHECK(twice.scalar_type() != wanted);
}

TEST_CASE("a checkpointed piece leaves no cast weights to the next step", "[checkpointing]") {
  const auto module = std::make_shared<Linear>(1, 1);
  const auto x = torch::ones({1, 1});
  const auto run = [&] {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::increment_nesting();
    auto y = checkpoint([module](const Maps& maps) { return Maps{module->forward(maps[0])}; },
                        {module}, {x})[0];
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    return y;
  };
  const auto set = [&](double weight, double bias) {
    const torch::NoGradGuard no_grad;
    module->weight.fill_(weight);
    module->bias.fill_(bias);
  };
  set(2, 1);
  run().sum().backward();  // its second run is outside of the autocast that clears the cache
  set(4, 3);
  CHECK(run().item<float>() == 7);
}

TEST_CASE("checkpoints hold the inputs of pieces instead of what is inside", "[checkpointing]") {
  // Eight pieces of eight sines, each of which keeps its input: 64 maps, against the 8 inputs of
  // pieces and the 8 maps of the piece at hand; a few more for gradients on the way.
  constexpr std::int64_t kMap = 4096;
  const auto x = torch::ones({kMap / 4}).requires_grad_();
  const Piece piece = [](const Maps& maps) {
    auto y = maps[0];
    for (int i = 0; i < 8; ++i) y = y.sin();
    return Maps{y};
  };
  const auto peak = [&](bool checkpointed) {
    return peak_bytes([&] {
      auto y = x;
      for (int i = 0; i < 8; ++i) y = (checkpointed ? checkpoint(piece, {}, {y}) : piece({y}))[0];
      y.sum().backward();
      x.mutable_grad() = at::Tensor();
    });
  };
  const auto state = at::globalContext().defaultGenerator(at::kCPU).get_state().nbytes();
  CHECK(peak(false) >= 64 * kMap);
  CHECK(peak(true) - 10 * static_cast<std::int64_t>(state) <= 20 * kMap);
}

TEST_CASE("what a checkpoint cannot do is said", "[checkpointing][errors]") {
  const auto x = torch::ones({2}).requires_grad_();
  const Piece cube = [](const Maps& maps) { return Maps{maps[0].pow(3)}; };
  CHECK_THROWS_WITH(
      torch::autograd::grad({checkpoint(cube, {}, {x})[0].sum()}, {x}, {}, {}, /*create=*/true),
      "a checkpointed piece of a network has no second derivative");
  const auto module = noisy();
  const auto y = checkpoint(piece_of(module), {module}, {input()})[0];
  module->eval();
  CHECK_THROWS_WITH(y.sum().backward(),
                    "a checkpointed piece of a network went from training to evaluation, or back, "
                    "before its backward pass");
}

TEST_CASE("a stage is checkpointed by its name or with all", "[checkpointing]") {
  const auto runs = [](const std::vector<std::string>& stages) {
    int count = 0;
    const auto x = torch::ones({1}).requires_grad_();
    Checkpointing(stages)
        .run("encoder2", {}, {x},
             [&](const Maps& maps) {
               ++count;
               return maps[0].exp();
             })
        .backward();
    return count;
  };
  CHECK(runs({}) == 1);
  CHECK(runs({"encoder1"}) == 1);
  CHECK(runs({"encoder1", "encoder2"}) == 2);
  CHECK(runs({"all"}) == 2);
  CHECK(stage_names(2, 1) == std::vector<std::string>{"encoder1", "encoder2", "decoder1"});
}
