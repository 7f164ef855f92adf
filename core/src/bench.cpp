#include "bench.h"

#include "device.h"
#include "train.h"
#include "train_run.h"

namespace covector {
namespace {

/// Steps per second of fetching batches alone.
double data_alone(Batches& batches, int steps) {
  Stopwatch watch(c10::kCPU);
  for (int i = 0; i < steps; ++i) batches.next();
  watch.lap("data");
  return steps / watch.seconds("data");
}

/// Steps per second of making the views of a batch that is there already.
double views_alone(const Prepared& prepared, const std::vector<Samples>& images, int steps) {
  Stopwatch watch(prepared.device);
  for (int i = 0; i < steps; ++i) {
    auto views = prepared.built.chains->make(images, prepared.plan.seed, i);
    for (auto& item : views) item.second.image();
  }
  watch.lap("views");
  return steps / watch.seconds("views");
}

/// Batches from the first on whose order is settled for some steps.
std::unique_ptr<Batches> fresh_batches(const Prepared& prepared, int steps) {
  const auto& [plan, device, stopwatch, built] = prepared;
  auto batches = batches_of(plan, built, 0, device);
  if (!built.learner->chooses_images()) return batches;
  const auto last = batches->epochs_of(steps + plan.loop.prefetch).second;
  const auto images = static_cast<std::int64_t>(training_indices(plan, *built.dataset).size());
  for (std::int64_t epoch = 0; epoch <= last; ++epoch)
    batches->set_order(epoch, built.learner->order(epoch, images, plan.seed));
  return batches;
}

}  // namespace

Profile bench_recipe(const RunRequest& request, int steps, Registries& registries,
                     PluginLoader& loader) {
  const auto prepared = prepare(request, registries, loader, /*timed=*/true);
  const auto& [plan, device, stopwatch, built] = prepared;
  if (!built.learner->trains())
    throw RecipeError("'" + *plan.learner.find("type")->as_string() +
                      "' trains nothing, so there is nothing to measure");
  const auto batches = batches_of(plan, built, 0, device);
  begin_task(plan, built, *batches);
  const auto trainer = trainer_of(plan, built, device);
  for (int i = 0; i < kWarmUpSteps; ++i) trainer->step(*batches);
  stopwatch->reset();
  for (int i = 0; i < steps; ++i) trainer->step(*batches, /*logged=*/false, stopwatch.get());

  Profile profile{request.recipe.file.string(), describe(device), plan.loop.precision,
                  plan.loop.layout, steps};
  for (const auto* part : {"data", "views", "backbone", "method", "backward", "optimiser"})
    profile.seconds.emplace_back(part, stopwatch->seconds(part) / steps);
  const auto fresh = fresh_batches(prepared, steps);
  const auto batch = fresh->next();
  profile.data_alone = data_alone(*fresh, steps);
  profile.views_alone = views_alone(prepared, batch, steps);
  profile.peak_memory_mib = peak_memory_mib();
  return profile;
}

}  // namespace covector
