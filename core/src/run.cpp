#include "run.h"

#include "benchmark.h"
#include "train_run.h"

#include <ostream>

namespace covector {
namespace {

/// Plan and parts of a recipe, without touching its data.
std::pair<TrainPlan, Assembly> inspect(const Recipe& recipe, Registries& registries,
                                       PluginLoader& loader) {
  Problems problems;
  auto plan = read_plan(recipe, registries, loader, problems);
  problems.raise();
  auto built = assemble(plan, registries, loader, /*open_data=*/false);
  return {std::move(plan), std::move(built)};
}

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::string type_of(const OptionTable& part) {
  return *part.find("type")->as_string();
}

}  // namespace

int run_recipe(const RunRequest& request, Registries& registries, PluginLoader& loader,
               std::ostream& out) {
  if (kind_of(request.recipe) == "benchmark")
    throw RecipeError(request.recipe.file.string() +
                      " is of kind benchmark, which is many runs; see run_benchmark()");
  return run_training(request, registries, loader, out);
}

void check_recipe(const Recipe& recipe, Registries& registries, PluginLoader& loader,
                  std::ostream& out) {
  if (kind_of(recipe) == "benchmark") {
    check_benchmark(recipe, registries, loader, out);
    return;
  }
  const auto [plan, built] = inspect(recipe, registries, loader);
  out << recipe.file.string() << ": a valid recipe of kind " << (plan.adapt ? "adapt" : "pretrain")
      << "\n  dataset   " << type_of(plan.dataset) << "\n  backbone  " << type_of(plan.backbone)
      << ", " << count_parameters(*built.backbone) << " parameters\n  "
      << (plan.adapt ? "task      " : "method    ") << type_of(plan.learner) << ", "
      << count_parameters(built.learner->module())
      << " parameters with the backbone's\n  loop      " << plan.loop.steps << " steps of "
      << plan.loop.batch << ", " << type_of(plan.optimiser) << ", " << type_of(plan.schedule)
      << ", " << plan.loop.precision << "\n";
  for (const auto& view : built.learner->views()) out << "  view      " << view.name << "\n";
}

OptionTable resolve_recipe(const Recipe& recipe, Registries& registries, PluginLoader& loader) {
  if (kind_of(recipe) == "benchmark") return resolve_benchmark(recipe);
  return inspect(recipe, registries, loader).second.resolved;
}

}  // namespace covector
