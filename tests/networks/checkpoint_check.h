#pragma once

#include "support/catch.h"
#include "support/peak_memory.h"

#include "covector/core/backbone.h"
#include "covector/core/schema.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// What the option "checkpoint" of every backbone is held to.
namespace covector::testing {

using Stages = std::vector<std::string>;
/// A network with these stages checkpointed.
using MakeBackbone = std::function<std::shared_ptr<Backbone>(const Stages&)>;

/// All that a training step of a network leaves: its levels, the gradients of input and parameters,
/// its buffers, and the next random numbers.
inline std::vector<at::Tensor> traces_of_step(const MakeBackbone& make, const Stages& stages,
                                              const at::Tensor& image) {
  torch::manual_seed(1);
  const auto net = make(stages);
  net->to(image.scalar_type());
  const auto x = image.clone().requires_grad_();
  auto loss = torch::zeros({}, image.options());
  std::vector<at::Tensor> traces;
  // Twice, as methods with two views do.
  for (int view = 0; view < 2; ++view)
    for (const auto& level : net->pyramid(x)) {
      loss = loss + level.square().mean();
      traces.push_back(level.detach());
    }
  loss.backward();
  traces.push_back(x.grad());
  for (const auto& parameter : net->parameters()) traces.push_back(parameter.grad());
  for (const auto& buffer : net->buffers()) traces.push_back(buffer);
  traces.push_back(torch::rand({4}));
  return traces;
}

/// A step is the same to the bit whichever stages are checkpointed: none, all, or one of them, in
/// float32 and float64. The network is in training, with all that it draws at random.
inline void check_checkpointing(const MakeBackbone& make, const Stages& stages,
                                const at::Tensor& image) {
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {
    const auto x = image.to(dtype);
    const auto wanted = traces_of_step(make, {}, x);
    std::vector<Stages> choices{{"all"}};
    if (dtype == torch::kFloat32)
      for (const auto& stage : stages) choices.push_back({stage});
    for (const auto& choice : choices) {
      INFO(choice[0] << " in " << dtype);
      const auto found = traces_of_step(make, choice, x);
      REQUIRE(found.size() == wanted.size());
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        INFO("trace " << i);
        CHECK(torch::equal(found[i], wanted[i]));
      }
    }
  }
}

/// The most that a step of a network holds at a time, in bytes.
inline std::int64_t peak_of_step(const MakeBackbone& make, const Stages& stages,
                                 const at::Tensor& image) {
  const auto net = make(stages);
  // Gradients of parameters that are there already count neither way.
  for (auto& parameter : net->parameters()) parameter.mutable_grad() = at::zeros_like(parameter);
  return peak_bytes([&] { net->pyramid(image).back().sum().backward(); });
}

/// Checkpointing all stages saves at least as many bytes as `maps` says that it must.
inline void check_saved_memory(const MakeBackbone& make, const at::Tensor& image,
                               std::int64_t maps) {
  const auto saved = peak_of_step(make, {}, image) - peak_of_step(make, {"all"}, image);
  INFO("saved " << saved << " bytes, of " << maps);
  CHECK(saved >= maps);
}

/// The message of a recipe that sets `checkpoint` to an unknown stage.
template <Described Options>
std::string problem_with_stages(const Stages& stages) {
  OptionArray array;
  for (const auto& stage : stages) array.emplace_back(stage);
  try {
    schema_of<Options>().parse({{"checkpoint", array}}, "backbone");
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

}  // namespace covector::testing
