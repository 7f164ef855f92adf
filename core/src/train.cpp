#include "train.h"

#include "covector/core/random.h"
#include "covector/losses/collapse.h"
#include "precision.h"

#include <c10/util/irange.h>
#include <torch/utils.h>

#include <cmath>
#include <unordered_set>

namespace covector {
namespace {

/// Those from begin to end.
Samples slice(const Samples& samples, std::int64_t begin, std::int64_t end) {
  const auto& [list, device, positions] = samples;
  return {{list.begin() + begin, list.begin() + end},
          device,
          {positions.begin() + begin, positions.begin() + end}};
}

/// Calls visit(name, tensor) for every parameter and buffer.
template <class Visit>
void for_each_tensor(const torch::nn::Module& module, Visit visit) {
  for (const auto& item : module.named_parameters()) visit(item.key(), item.value());
  for (const auto& item : module.named_buffers()) visit(item.key(), item.value());
}

void put_back(at::Tensor tensor, const State& state, const std::string& key) {
  const auto found = state.tensors.find(key);
  if (found == state.tensors.end()) throw Error("the checkpoint lacks '" + key + "'");
  if (tensor.numel() == 0) tensor.resize_(found->second.sizes());  // its size follows from the data
  if (found->second.sizes() != tensor.sizes())
    throw Error("the checkpoint's '" + key + "' has shape " + c10::str(found->second.sizes()) +
                ", not " + c10::str(tensor.sizes()));
  tensor.copy_(found->second);
}

std::string optimiser_key(std::size_t index) {
  return "optimiser/" + std::to_string(index);
}

/// What a phase computed for parameters of other phases is not theirs to use.
void drop_other_gradients(const std::vector<at::Tensor>& all, const std::vector<at::Tensor>& own) {
  std::unordered_set<const void*> kept;
  for (const auto& parameter : own) kept.insert(parameter.unsafeGetTensorImpl());
  for (auto parameter : all)
    if (!kept.contains(parameter.unsafeGetTensorImpl())) parameter.mutable_grad().reset();
}

}  // namespace

void save_weights(const torch::nn::Module& module, State& state) {
  for_each_tensor(module, [&](const std::string& name, const at::Tensor& tensor) {
    state.tensors["weights/" + name] = tensor.detach().to(torch::kCPU, /*non_blocking=*/false,
                                                          /*copy=*/true);
  });
}

void restore_weights(torch::nn::Module& module, const State& state) {
  const torch::NoGradGuard no_grad;
  for_each_tensor(module, [&](const std::string& name, const at::Tensor& tensor) {
    put_back(tensor, state, "weights/" + name);
  });
}

Trainer::Trainer(const TrainPlan& plan, Learner& learner, const ViewChains& chains,
                 std::int64_t images, c10::Device device)
    : plan_(plan),
      learner_(learner),
      chains_(chains),
      images_(images),
      device_(device),
      schedule_(schedules().create(plan.schedule, "schedule")) {
  if (plan.loop.layout == "channels_last") use_channels_last(learner.module());
  optimiser_ = optimisers().create(plan.optimiser, "optimiser", learner.trained());
  learner.module().train();
}

void Trainer::step(Batches& batches, bool logged, Stopwatch* stopwatch) {
  if (stopwatch) stopwatch->start();
  begin_epochs(batches);
  if (stopwatch) stopwatch->lap("method");
  const auto phases = learner_.phases(done_, plan_.loop.steps);
  const auto data = batches.next();
  if (stopwatch) stopwatch->lap("data");
  make_views(data, phases);
  if (stopwatch) stopwatch->lap("views");

  logs_.clear();
  rate_ = schedule_->rate(optimiser_->base_rate(), done_, plan_.loop.steps);
  for (const auto& phase : phases) {
    auto result = run_phase({phase, done_, plan_.loop.steps, logged}, stopwatch);
    const auto suffix = phases.size() > 1 ? "/" + phase : std::string();
    logs_["loss" + suffix] = result.loss;
    logs_.merge(result.logs);
    logs_["gradient_norm" + suffix] = optimiser_->step(rate_);
    if (stopwatch) stopwatch->lap("optimiser");
  }
  learner_.after_step(done_, plan_.loop.steps);
  if (stopwatch) stopwatch->lap("method");
  ++done_;
}

/// Those that the coming step is the first to show images of. A run that goes on within an epoch
/// asks again for its order, before the next epoch can change what it follows from.
void Trainer::begin_epochs(Batches& batches) {
  const auto last_begun = done_ == 0 ? -1 : batches.epochs_of(done_ - 1).second;
  if (resumed_ && last_begun >= 0) set_order(batches, last_begun);
  resumed_ = false;
  for (auto epoch = last_begun + 1; epoch <= batches.epochs_of(done_).second; ++epoch) {
    learner_.begin_epoch({epoch, images_,
                          [&](const std::vector<std::int64_t>& positions) {
                            return stack(batches.images(positions));
                          },
                          plan_.seed,
                          [&](const at::Tensor& parameter) { optimiser_->restart(parameter); }});
    set_order(batches, epoch);
  }
}

void Trainer::set_order(Batches& batches, std::int64_t epoch) {
  if (learner_.chooses_images())
    batches.set_order(epoch, learner_.order(epoch, images_, plan_.seed));
}

void Trainer::make_views(const std::vector<Samples>& images,
                         const std::vector<std::string>& phases) {
  const auto part = plan_.loop.batch / plan_.loop.accumulate;
  views_.clear();
  for (const auto i : c10::irange(plan_.loop.accumulate)) {
    std::vector<Samples> slices;
    for (const auto& one : images) slices.push_back(slice(one, i * part, (i + 1) * part));
    views_.push_back(chains_.make(slices, plan_.seed, done_, i * part, phases));
    // Views resample when they are first looked at; here, so that it is not counted as the
    // method's.
    for (auto& item : views_.back()) item.second.image();
    if (plan_.loop.layout == "channels_last") use_channels_last(views_.back());
  }
}

/// Gradients of a phase over all parts of the batch; the mean loss and logs over the parts.
StepResult Trainer::run_phase(const StepInfo& info, Stopwatch* stopwatch) {
  // The loss of another phase may have reached parameters that are not its own.
  learner_.module().zero_grad();
  torch::manual_seed(
      RandomStream(plan_.seed, "phase/" + info.phase, {static_cast<std::uint64_t>(done_)})
          .bits64());
  const auto share = 1.0 / static_cast<double>(plan_.loop.accumulate);
  StepResult mean;
  for (auto& views : views_) {
    StepResult result;
    {
      const Autocast autocast(device_.type(), plan_.loop.precision == "bfloat16");
      result = learner_.step(views, info);
    }
    if (stopwatch) stopwatch->lap("method");
    const auto loss = share == 1.0 ? result.loss : result.loss * share;
    loss.backward();
    if (stopwatch) stopwatch->lap("backward");
    mean.loss = mean.loss.defined() ? mean.loss + loss.detach() : loss.detach();
    for (const auto& [name, value] : result.logs) {
      auto& sum = mean.logs[name];
      sum = sum.defined() ? sum + value * share : value * share;
    }
  }
  drop_other_gradients(optimiser_->parameters(), learner_.parameters_of(info.phase));
  return mean;
}

std::map<std::string, double> Trainer::monitor(Batches& batches) {
  constexpr std::int64_t kCrops = 64;
  const torch::NoGradGuard no_grad;
  const auto seed = RandomStream(plan_.seed, "monitor").bits64();
  const auto order = RandomStream(plan_.seed, "monitor order").permutation(images_);
  const auto part = plan_.loop.batch / plan_.loop.accumulate;
  learner_.module().eval();
  std::map<std::string, std::vector<Embedding>> all;
  for (std::int64_t first = 0; first < kCrops; first += part) {
    std::vector<Samples> pair;
    for (std::int64_t image = 0; image < learner_.images_per_sample(); ++image) {
      std::vector<std::int64_t> positions;
      for (std::int64_t i = 0; i < part; ++i)
        positions.push_back(order[(first + i + image) % images_]);
      pair.push_back(batches.images(positions));
    }
    auto views = chains_.make(pair, seed, 0, first);
    const Autocast autocast(device_.type(), plan_.loop.precision == "bfloat16");
    for (auto& [name, embedding] : learner_.embed(views)) all[name].push_back(embedding);
    if (all.empty()) break;
  }
  learner_.module().train();

  std::map<std::string, double> values;
  for (const auto& [name, parts] : all) {
    std::vector<at::Tensor> firsts, seconds;
    for (const auto& embedding : parts) {
      firsts.push_back(embedding.first);
      if (embedding.second.defined()) seconds.push_back(embedding.second);
    }
    const auto measured =
        losses::collapse(at::cat(firsts), seconds.empty() ? at::Tensor() : at::cat(seconds));
    values[name + "/std"] = measured.std.item<double>();
    values[name + "/level"] = measured.level.item<double>();
    values[name + "/uniformity"] = measured.uniformity.item<double>();
    values[name + "/effective_rank"] = measured.effective_rank.item<double>();
    if (measured.alignment.defined())
      values[name + "/alignment"] = measured.alignment.item<double>();
  }
  return values;
}

std::map<std::string, double> Trainer::read_logs() const {
  std::map<std::string, double> values{{"lr", rate_}};
  for (const auto& [name, value] : logs_) values[name] = value.item<double>();
  for (const auto& item : values) {
    if (item.first.rfind("loss", 0) != 0 || std::isfinite(item.second)) continue;
    std::string text;
    for (const auto& [name, value] : values) text += "\n  " + name + " = " + std::to_string(value);
    throw Error("step " + std::to_string(done_) + ": the loss is not finite:" + text +
                "\nThe last checkpoint is kept. A smaller lr, warmup_steps or clip_norm may help.");
  }
  return values;
}

void Trainer::save(State& state) const {
  save_weights(learner_.module(), state);
  const auto tensors = optimiser_->state();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    state.tensors[optimiser_key(i)] = tensors[i].to(torch::kCPU, false, true);
  state.texts["steps_done"] = std::to_string(done_);
}

void Trainer::restore(const State& state) {
  const torch::NoGradGuard no_grad;
  restore_weights(learner_.module(), state);
  const auto tensors = optimiser_->state();
  for (std::size_t i = 0; i < tensors.size(); ++i) put_back(tensors[i], state, optimiser_key(i));
  done_ = std::stoll(state.texts.at("steps_done"));
  resumed_ = true;
}

}  // namespace covector
