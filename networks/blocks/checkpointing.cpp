#include "covector/networks/checkpointing.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

namespace covector::networks {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What a run depends on besides its inputs and modules: random numbers and precision.
class Circumstances {
 public:
  /// The present ones.
  explicit Circumstances(const c10::Device& device) {
    add(at::kCPU);
    if (!device.is_cpu()) add(device);
  }

  void restore() const {
    for (auto part : parts_) {
      at::autocast::set_autocast_enabled(part.device, part.autocast);
      at::autocast::set_autocast_dtype(part.device, part.dtype);
      const std::scoped_lock lock(part.generator.mutex());
      part.generator.set_state(part.state);
    }
  }

 private:
  struct Part {
    c10::DeviceType device;
    bool autocast;
    at::ScalarType dtype;
    at::Generator generator;
    at::Tensor state;
  };

  void add(const c10::Device& device) {
    const auto type = device.type();
    auto generator = at::globalContext().defaultGenerator(device);
    const std::scoped_lock lock(generator.mutex());
    parts_.push_back({type, at::autocast::is_autocast_enabled(type),
                      at::autocast::get_autocast_dtype(type), generator, generator.get_state()});
  }

  std::vector<Part> parts_;
};

/// Puts circumstances back when it goes.
class CircumstancesKept {
 public:
  explicit CircumstancesKept(const c10::Device& device) : before_(device) {}
  ~CircumstancesKept() { before_.restore(); }
  CircumstancesKept(const CircumstancesKept&) = delete;
  CircumstancesKept& operator=(const CircumstancesKept&) = delete;

 private:
  Circumstances before_;
};

/// Puts the numbers of buffers back when it goes.
class BuffersKept {
 public:
  explicit BuffersKept(const Modules& modules) {
    for (const auto& module : modules)
      for (const auto& buffer : module->buffers()) before_.emplace_back(buffer, buffer.clone());
  }
  ~BuffersKept() {
    const torch::NoGradGuard no_grad;
    for (auto& [buffer, numbers] : before_) buffer.copy_(numbers);
  }
  BuffersKept(const BuffersKept&) = delete;
  BuffersKept& operator=(const BuffersKept&) = delete;

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> before_;
};

/// A second run is not in the scope that clears autocast's cache: the weights it casts would serve
/// the next step, when they have changed.
Maps run_without_cache(const Piece& piece, const Maps& inputs) {
  const auto put_back = c10::make_scope_exit([cached = at::autocast::is_autocast_cache_enabled()] {
    at::autocast::set_autocast_cache_enabled(cached);
  });
  at::autocast::set_autocast_cache_enabled(false);
  return piece(inputs);
}

std::vector<bool> modes(const Modules& modules) {
  std::vector<bool> training;
  for (const auto& module : modules) training.push_back(module->is_training());
  return training;
}

/// A first run, as the backward pass needs it.
struct FirstRun final : torch::CustomClassHolder {
  FirstRun(Piece what, Modules with, const Maps& on)
      : piece(std::move(what)),
        modules(std::move(with)),
        training(modes(modules)),
        circumstances(on.at(0).device()),
        inputs(static_cast<std::ptrdiff_t>(on.size())) {}

  Piece piece;
  Modules modules;
  std::vector<bool> training;
  Circumstances circumstances;
  std::ptrdiff_t inputs;
};

/// The piece once more, with a graph.
Maps second_run(const FirstRun& first, const Maps& inputs) {
  const CircumstancesKept kept(inputs.at(0).device());
  first.circumstances.restore();
  const torch::AutoGradMode with_graph(true);
  return run_without_cache(first.piece, inputs);
}

/// Gradients at `variables`, undefined where none is wanted or nothing depends on them.
variable_list gradients_at(const variable_list& variables, const Maps& outputs,
                           const variable_list& gradients) {
  variable_list roots;
  variable_list seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!gradients[i].defined() || !outputs[i].requires_grad()) continue;
    roots.push_back(outputs[i]);
    seeds.push_back(gradients[i]);
  }
  variable_list wanted;
  for (const auto& variable : variables)
    if (variable.requires_grad()) wanted.push_back(variable);
  variable_list all(variables.size());
  if (roots.empty()) return all;
  const auto found =
      torch::autograd::grad(roots, wanted, seeds, false, false, /*allow_unused=*/true);
  auto next = found.begin();
  for (std::size_t i = 0; i < variables.size(); ++i)
    if (variables[i].requires_grad()) all[i] = *next++;
  return all;
}

struct Checkpoint : torch::autograd::Function<Checkpoint> {
  static variable_list forward(AutogradContext* context, const c10::intrusive_ptr<FirstRun>& first,
                               at::TensorList inputs, at::TensorList parameters) {
    variable_list saved = inputs.vec();
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(saved);
    context->saved_data["first"] = c10::IValue::make_capsule(first);
    context->set_materialize_grads(false);
    return run_without_cache(first->piece, inputs.vec());
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled())
      throw std::logic_error("a checkpointed piece of a network has no second derivative");
    const auto first =
        c10::static_intrusive_pointer_cast<FirstRun>(context->saved_data["first"].toCapsule());
    if (modes(first->modules) != first->training)
      throw std::logic_error(
          "a checkpointed piece of a network went from training to evaluation, or back, before its "
          "backward pass");
    auto variables = context->get_saved_variables();
    for (std::ptrdiff_t i = 0; i < first->inputs; ++i)
      variables[i] = variables[i].detach().set_requires_grad(variables[i].requires_grad());
    const BuffersKept kept(first->modules);  // till the gradients are there, which may read them
    const auto outputs = second_run(*first, {variables.begin(), variables.begin() + first->inputs});
    auto all = gradients_at(variables, outputs, grads);
    all.insert(all.begin(), at::Tensor());  // of the first run, no tensor
    return all;
  }
};

}  // namespace

Maps checkpoint(const Piece& piece, const Modules& modules, const Maps& inputs) {
  variable_list parameters;
  for (const auto& module : modules)
    for (const auto& parameter : module->parameters())
      if (parameter.requires_grad()) parameters.push_back(parameter);
  const bool differentiated =
      !parameters.empty() || std::any_of(inputs.begin(), inputs.end(),
                                         [](const auto& input) { return input.requires_grad(); });
  if (!at::GradMode::is_enabled() || !differentiated) return piece(inputs);
  return Checkpoint::apply(c10::make_intrusive<FirstRun>(piece, modules, inputs),
                           at::TensorList(inputs), at::TensorList(parameters));
}

at::Tensor Checkpointing::run(const std::string& stage, const Modules& modules, const Maps& inputs,
                              const std::function<at::Tensor(const Maps&)>& piece) const {
  const auto chosen = [&](const std::string& name) {
    return std::find(stages_.begin(), stages_.end(), name) != stages_.end();
  };
  if (chosen("all") || chosen(stage))
    return checkpoint([piece](const Maps& maps) { return Maps{piece(maps)}; }, modules, inputs)
        .front();
  // One way in for each input: what the piece's own uses of it give to its gradient is then summed
  // before other uses are added, in the order in which a checkpointed piece does it.
  Maps entered;
  for (const auto& input : inputs) entered.push_back(at::alias(input));
  return piece(entered);
}

std::vector<std::string> stage_names(std::size_t encoder, std::size_t decoder) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= encoder; ++i) names.push_back("encoder" + std::to_string(i));
  for (std::size_t i = 1; i <= decoder; ++i) names.push_back("decoder" + std::to_string(i));
  return names;
}

namespace detail {

bool all_known(const std::vector<std::string>& chosen, const std::vector<std::string>& stages) {
  return std::all_of(chosen.begin(), chosen.end(), [&](const auto& name) {
    return name == "all" || std::find(stages.begin(), stages.end(), name) != stages.end();
  });
}

std::string choice_of(const std::vector<std::string>& stages) {
  std::string text = "[\"all\"], or some of";
  for (const auto& stage : stages) text += (&stage == &stages.front() ? " " : ", ") + stage;
  return text;
}

}  // namespace detail
}  // namespace covector::networks
