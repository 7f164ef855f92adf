#include "device.h"
#include "run.h"
#include "run_folder.h"
#include "train.h"
#include "train_run.h"

#include <torch/utils.h>

#include <ostream>

namespace covector {
namespace fs = std::filesystem;
namespace {

/// The best checkpoint of a run, or its last.
State weights_of(const fs::path& run, std::ostream& out) {
  auto found =
      CheckpointFolder(run / "checkpoints", 1).best_or_latest([&](const std::string& text) {
        out << "warning: " << text << "\n";
      });
  if (!found) throw Error("the run " + run.string() + " has no checkpoint");
  return std::move(found->second);
}

}  // namespace

int predict_run(const fs::path& run, const std::vector<fs::path>& inputs, const fs::path& output,
                const std::string& device_name, Registries& registries, PluginLoader& loader,
                std::ostream& out) {
  if (!fs::exists(run / "recipe.toml"))
    throw RecipeError(run.string() + " is not a run folder: it has no recipe.toml");
  const auto recipe = load_recipe(run / "recipe.toml");
  if (kind_of(recipe) != "adapt")
    throw RecipeError(run.string() + " is a run of kind " + kind_of(recipe) +
                      "; only a run of kind adapt can predict");
  for (const auto& input : inputs)
    if (!fs::exists(input)) throw DataError("there is no file " + input.string());

  Problems problems;
  const auto plan = read_plan(recipe, registries, loader, problems);
  problems.raise();
  const auto device = choose_device(device_name);
  configure_computing(device, 0);
  // The number of classes shapes the network's head; a set that has it from its files is opened.
  const auto dataset = registries.of<Dataset>().create(plan.dataset, "dataset");
  auto built = assemble(plan, registries, loader, /*open_data=*/!dataset->knows_classes());
  restore_weights(*built.task, weights_of(run, out));
  built.task->to(device);
  built.task->eval();
  fs::create_directories(output);
  const torch::NoGradGuard no_grad;
  for (const auto& file : built.task->predict(inputs, output, *built.dataset, device))
    out << file.string() << "\n";
  return 0;
}

}  // namespace covector
