#include "device.h"
#include "run.h"
#include "train.h"
#include "train_run.h"

#include <sys/resource.h>
#include <nlohmann/json.hpp>

#include <numeric>
#include <ostream>

namespace covector {
namespace {

double sum(const std::map<std::string, double>& seconds) {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0,
                         [](double total, const auto& item) { return total + item.second; });
}

/// Steps per second of fetching batches alone.
double data_alone(Batches& batches, int steps) {
  Stopwatch watch(c10::kCPU);
  for (int i = 0; i < steps; ++i) batches.next();
  watch.lap("data");
  return steps / sum(watch.seconds());
}

/// Steps per second of making the views of a batch that is there already.
double views_alone(const TrainPlan& plan, const Assembly& built, const std::vector<Batch>& batch,
                   int steps, c10::Device device) {
  Stopwatch watch(device);
  for (int i = 0; i < steps; ++i) {
    auto views = built.chains->make(batch, plan.seed, i);
    for (auto& item : views) item.second.image();
  }
  watch.lap("views");
  return steps / sum(watch.seconds());
}

}  // namespace

int bench_recipe(const RunRequest& request, int steps, Registries& registries, PluginLoader& loader,
                 std::ostream& out) {
  const auto prepared = prepare(request, registries, loader);
  const auto& plan = prepared.plan;
  const auto& built = prepared.built;
  const auto device = prepared.device;
  if (!built.learner->trains())
    throw RecipeError("'" + *plan.learner.find("type")->as_string() +
                      "' trains nothing, so there is nothing to measure");
  built.learner->module().to(device);
  const auto images = static_cast<std::int64_t>(training_indices(plan, *built.dataset).size());

  auto batches = batches_of(plan, built, 0, device);
  if (built.task)
    built.task->begin({images, [&](std::int64_t position) { return batches->image(position); }});
  Trainer trainer(plan, *built.learner, *built.chains, images, device);
  constexpr int kWarmUp = 2;  // the first steps fill caches and choose kernels
  for (int i = 0; i < kWarmUp; ++i) trainer.step(*batches);
  Stopwatch watch(device);
  for (int i = 0; i < steps; ++i) trainer.step(*batches, /*logged=*/false, &watch);

  nlohmann::ordered_json json{{"recipe", request.recipe.file.string()},
                              {"device", describe(device)},
                              {"steps", steps},
                              {"steps_per_second", steps / sum(watch.seconds())}};
  for (const auto& part : {"data", "views", "forward", "backward", "optimiser"})
    json["seconds_per_step"][part] = watch.seconds().at(part) / steps;
  const auto fresh = batches_of(plan, built, 0, device);
  if (built.learner->chooses_images())
    for (std::int64_t epoch = 0; epoch <= fresh->epochs_of(steps + plan.loop.prefetch).second;
         ++epoch)
      fresh->set_order(epoch, built.learner->order(epoch, images, plan.seed));
  const auto batch = fresh->next();
  json["data_only_steps_per_second"] = data_alone(*fresh, steps);
  json["views_only_steps_per_second"] = views_alone(plan, built, batch, steps, device);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  json["peak_memory_mib"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
  out << json.dump(2) << std::endl;
  return 0;
}

}  // namespace covector
