// Times the vector embedding unit, forward and backward, beside the form that the authors publish,
// which unfolds the neighbourhood, the two taking turns. See README.md.
#include "ops/vector_embedding.h"
#include "covector/networks/vector_embedding.h"

#include "rivals.h"

#include <torch/nn/functional/padding.h>

#include <cmath>
#include <iostream>
#include <sstream>

using namespace covector;
using namespace covector::benchmark;

namespace {

using networks::ops::kOutsideLogit;
constexpr std::int64_t kRadius = 2;
constexpr std::int64_t kSide = 2 * kRadius + 1;

struct Case {
  at::Tensor query, key, grad;

  Case(const std::vector<std::int64_t>& shape, at::ScalarType dtype) {
    auto of_vectors = shape;
    of_vectors[1] = static_cast<std::int64_t>(shape.size()) - 2;
    query = torch::randn(shape).to(dtype).set_requires_grad(true);
    key = torch::randn(shape).to(dtype).set_requires_grad(true);
    grad = torch::randn(of_vectors);
  }
};

// x moved by each offset of the neighbourhood, zero where that leaves the grid.
std::vector<at::Tensor> neighbours(const at::Tensor& x) {
  namespace F = torch::nn::functional;
  const auto axes = x.dim() - 2;
  std::vector<at::Tensor> found{
      F::pad(x, F::PadFuncOptions(std::vector<std::int64_t>(2 * axes, kRadius)))};
  for (std::int64_t axis = 2; axis < axes + 2; ++axis) {
    std::vector<at::Tensor> further;
    for (const auto& part : found)
      for (std::int64_t offset = 0; offset < kSide; ++offset)
        further.push_back(part.narrow(axis, offset, x.size(axis)));
    found = further;
  }
  return found;
}

// The published form: a logit of every neighbour of every position, softmax, and the expected
// offset as a sum over a tensor of positions x neighbourhood x axes.
at::Tensor by_unfolding(const at::Tensor& query, const at::Tensor& key) {
  const auto axes = query.dim() - 2;
  const auto scaled = query / std::sqrt(static_cast<double>(query.size(1)));
  const auto there = neighbours(torch::ones_like(key.narrow(1, 0, 1).detach()));
  std::vector<at::Tensor> logits;
  for (const auto& other : neighbours(key)) {
    const auto outside = there[logits.size()] < 0.5;
    logits.push_back((scaled * other).sum(1, true).masked_fill(outside, kOutsideLogit));
  }
  const auto weights = at::softmax(at::cat(logits, 1), 1).unsqueeze(2);
  const auto along = torch::arange(-kRadius, kRadius + 1, query.scalar_type());
  const auto offsets = at::stack(at::meshgrid(std::vector(axes, along), "ij"), -1);
  std::vector<std::int64_t> shape(query.dim() + 1, 1);
  shape[1] = static_cast<std::int64_t>(logits.size());
  shape[2] = axes;
  return (weights * offsets.view(shape)).sum(1);
}

struct Answer {
  at::Tensor out, query, key;
};

Answer answer(const Case& c, const std::function<at::Tensor()>& unit) {
  for (const auto* leaf : {&c.query, &c.key}) leaf->mutable_grad() = at::Tensor();
  const auto out = unit();
  out.backward(c.grad.to(out.scalar_type()));
  return {out.detach(), c.query.grad(), c.key.grad()};
}

double error(const Answer& got, const Answer& wanted) {
  return std::max({relative_gap(got.out, wanted.out), relative_gap(got.query, wanted.query),
                   relative_gap(got.key, wanted.key)});
}

at::Tensor ours(const Case& c) {
  return networks::vector_embedding(c.query, c.key, kRadius, 1);
}

bool measure(const Settings& settings, const std::vector<std::int64_t>& shape,
             at::ScalarType dtype) {
  const Case c(shape, dtype);
  const auto by = [&](at::ScalarType computed) {
    return [&c, computed] { return by_unfolding(c.query.to(computed), c.key.to(computed)); };
  };
  const auto unit = [&] { return ours(c); };
  const auto wanted = answer(c, by(torch::kFloat64));
  const auto wrong = error(answer(c, unit), wanted);
  const auto unfold = by(torch::kFloat32);
  const auto times =
      take_turns(settings.number("rounds"), {[&] { answer(c, unfold); }, [&] { answer(c, unit); }});
  std::ostringstream name;
  name << at::IntArrayRef(shape) << " | " << dtype;
  print_row(name.str(), times, {error(answer(c, unfold), wanted), wrong});
  return wrong < (dtype == torch::kBFloat16 ? 0x1p-7 : 0x1p-16);
}

const std::vector<std::int64_t> kFlat{4, 8, 192, 192};
const std::vector<std::int64_t> kDeep{1, 8, 64, 64, 64};

// A line of JSON with the times of ours, for compare_vector_embedding.py.
void print_alone(const Settings& settings) {
  const Case c(settings.first_of("alone", "2", "3") ? kFlat : kDeep, torch::kFloat32);
  const auto once = [&] { answer(c, [&] { return ours(c); }); };
  const auto times = times_in_turn(settings.number("rounds"), {once});
  std::cout << nlohmann::json{{"milliseconds", {{"unit", times.front()}}}} << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const auto compare = [](const Settings& settings) {
    if (settings.number("alone") != 0) {
      print_alone(settings);
      return true;
    }
    print_head("features | dtype", {"unfolded", "covector"});
    bool right = true;
    for (const auto& shape : {kFlat, kDeep})
      for (const auto dtype : {torch::kFloat32, torch::kBFloat16})
        right = measure(settings, shape, dtype) && right;
    return right;
  };
  return compare_rivals(argc, argv, "vector_embedding_benchmark", compare, {{"alone", "0"}});
}
