#include "optimiser.h"

#include <torch/types.h>

#include <algorithm>

namespace covector {

Optimiser::Optimiser(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) {}
Optimiser::~Optimiser() = default;

std::vector<std::size_t> Optimiser::with_gradient() const {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].grad().defined()) positions.push_back(i);
  return positions;
}

void Optimiser::restart(const at::Tensor& parameter) {
  const torch::NoGradGuard no_grad;
  const auto position = std::find_if(parameters_.begin(), parameters_.end(),
                                     [&](const auto& mine) { return mine.is_same(parameter); });
  if (position == parameters_.end())
    throw std::invalid_argument("a parameter that is not trained was said to be renewed");
  const auto all = state();
  for (auto i = static_cast<std::size_t>(position - parameters_.begin()); i < all.size();
       i += parameters_.size())
    all[i].zero_();
}

at::Tensor Optimiser::step(double rate) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto i : with_gradient()) gradients.push_back(parameters_[i].grad());
  auto norm = clip_norm_(gradients, clip_norm());
  update(rate);
  for (auto& parameter : parameters_) parameter.mutable_grad().reset();
  return norm;
}

at::Tensor clip_norm_(const std::vector<at::Tensor>& tensors, double max_norm) {
  if (tensors.empty()) return torch::zeros({});
  auto norm = at::stack(at::_foreach_norm(tensors, 2)).norm();
  if (max_norm > 0) at::_foreach_mul_(tensors, (max_norm / (norm + 1e-6)).clamp_max(1.0));
  return norm;
}

namespace {

std::vector<at::Tensor> zeros_like(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> out;
  for (const auto& tensor : tensors) out.push_back(at::zeros_like(tensor));
  return out;
}

std::vector<at::Tensor> pick(const std::vector<at::Tensor>& from,
                             const std::vector<std::size_t>& positions) {
  std::vector<at::Tensor> out;
  for (const auto i : positions) out.push_back(from[i]);
  return out;
}

std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> out;
  for (const auto& parameter : parameters) out.push_back(parameter.grad());
  return out;
}

template <class Options>
void describe_common(Schema<Options>& schema) {
  schema.field("lr", &Options::lr).doc("learning rate, before its schedule").more_than(0.0);
  schema.field("weight_decay", &Options::weight_decay)
      .doc("factor of the parameters that is added to their gradients (L2)")
      .at_least(0.0);
  schema.field("clip_norm", &Options::clip_norm)
      .doc("largest global norm of the gradients; without it they are not clipped")
      .more_than(0.0);
}

struct AdamOptions {
  double lr = 1e-4;
  std::vector<double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  std::optional<double> clip_norm;

  static void describe(Schema<AdamOptions>& schema) {
    schema.summary("Adam with bias correction; weight decay is L2, not decoupled.")
        .source("D. P. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015");
    describe_common(schema);
    schema.field("betas", &AdamOptions::betas)
        .doc("decay of the running mean of gradients and of their squares")
        .require(
            [](const std::vector<double>& betas) {
              return betas.size() == 2 && std::all_of(betas.begin(), betas.end(), [](double beta) {
                       return 0 <= beta && beta < 1;
                     });
            },
            "two numbers from 0 to below 1");
    schema.field("eps", &AdamOptions::eps).doc("added to the denominator").more_than(0.0);
  }
};

class Adam final : public Optimiser {
 public:
  Adam(const AdamOptions& options, std::vector<at::Tensor> parameters)
      : Optimiser(std::move(parameters)),
        options_(options),
        mean_(zeros_like(parameters_)),
        square_(zeros_like(parameters_)) {
    for (const auto& parameter : parameters_)
      steps_.push_back(torch::zeros({}, parameter.options().dtype(torch::kFloat32)));
  }
  double base_rate() const override { return options_.lr; }
  double clip_norm() const override { return options_.clip_norm.value_or(0); }
  void update(double rate) override {
    const auto positions = with_gradient();
    if (positions.empty()) return;
    const auto parameters = pick(parameters_, positions);
    const auto steps = pick(steps_, positions);
    at::_foreach_add_(steps, 1);
    at::_fused_adam_(parameters, gradients_of(parameters), pick(mean_, positions),
                     pick(square_, positions), {}, steps, rate, options_.betas[0],
                     options_.betas[1], options_.weight_decay, options_.eps, /*amsgrad=*/false,
                     /*maximize=*/false);
  }
  std::vector<at::Tensor> state() const override {
    auto all = mean_;
    all.insert(all.end(), square_.begin(), square_.end());
    all.insert(all.end(), steps_.begin(), steps_.end());
    return all;
  }

 private:
  AdamOptions options_;
  std::vector<at::Tensor> mean_;
  std::vector<at::Tensor> square_;
  std::vector<at::Tensor> steps_;
};

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
  std::optional<double> clip_norm;

  static void describe(Schema<SgdOptions>& schema) {
    schema.summary(
        "Stochastic gradient descent with momentum: v <- momentum v + g, w <- w - lr v; nesterov "
        "steps along g + momentum v.");
    describe_common(schema);
    schema.field("momentum", &SgdOptions::momentum).doc("decay of v").between(0.0, 1.0);
    schema.field("nesterov", &SgdOptions::nesterov).doc("looks ahead along v");
    schema.rule([](const SgdOptions& o) {
      return o.nesterov && o.momentum == 0 ? "'nesterov' needs a 'momentum' above 0"
                                           : std::string();
    });
  }
};

class Sgd final : public Optimiser {
 public:
  Sgd(const SgdOptions& options, std::vector<at::Tensor> parameters)
      : Optimiser(std::move(parameters)), options_(options) {
    if (options.momentum > 0) velocity_ = zeros_like(parameters_);
  }
  double base_rate() const override { return options_.lr; }
  double clip_norm() const override { return options_.clip_norm.value_or(0); }
  void update(double rate) override {
    const auto positions = with_gradient();
    if (positions.empty()) return;
    const auto parameters = pick(parameters_, positions);
    const auto velocity =
        velocity_.empty() ? std::vector<at::Tensor>() : pick(velocity_, positions);
    // A velocity of 0 before the first step gives what `is_first_step` would.
    at::_fused_sgd_(parameters, gradients_of(parameters), velocity, options_.weight_decay,
                    options_.momentum, rate, /*dampening=*/0, options_.nesterov,
                    /*maximize=*/false, /*is_first_step=*/false);
  }
  std::vector<at::Tensor> state() const override { return velocity_; }

 private:
  SgdOptions options_;
  std::vector<at::Tensor> velocity_;
};

}  // namespace

Registry<Optimiser> optimisers() {
  Registry<Optimiser> registry;
  registry.add(make_entry<Optimiser, Adam, AdamOptions>("adam", {"core", "", ""}));
  registry.add(make_entry<Optimiser, Sgd, SgdOptions>("sgd", {"core", "", ""}));
  return registry;
}

}  // namespace covector
