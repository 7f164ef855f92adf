#include "support/catch.h"

#include "methods/method_runs.h"

#include "assemble.h"
#include "recipe.h"
#include "train.h"
#include "train_run.h"

#include <c10/util/Exception.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <set>

using namespace covector;
using namespace covector::testing;
namespace fs = std::filesystem;

namespace {

// The first begins the epoch, and with it the classes of DeepCluster.
constexpr std::int64_t kSteps = 1 + 20;
constexpr double kRate = 3e-4;  // of Adam
constexpr std::int64_t kBatch = 4;

/// A backbone as small as it gets, and the views that suit it: batch normalisation at stride 32
/// sees 16 values a channel in U-KAN, and SwinUNet has more than one window to shift on two scales.
struct Network {
  std::string name;
  std::string options;
  std::int64_t crop;
};
const std::vector<Network> kNetworks{
    {"unet", "channels = [8, 8, 8, 16, 16, 16, 8, 8, 8]", 32},
    {"transunet",
     "image_size = 32\nwidth = 32\nunits = [1, 1, 1]\nlayers = 2\nhidden = 96\nmlp = 192\n"
     "heads = 4\nchannels = [32, 32, 16, 16, 16]",
     32},
    {"swinunet",
     "drop_path = 0.0\nimage_size = [64]\nwindow = 4\nembed_dim = 12\nheads = [1, 2, 4, 4]", 64},
    {"ukan", "channels = [32, 40, 64]", 64}};

/// The dataset and [method] of the method's smoke recipe on a backbone.
Recipe recipe_of(const std::string& method, const Network& network) {
  auto recipe = load_recipe(smoke_recipe(method));
  recipe.table.set("backbone", parse_toml("type = \"" + network.name + "\"\n" + network.options,
                                          network.name + ".toml"));
  auto options = *recipe.table.find("method")->as_table();
  if (method != "scratch") options.set("crop", OptionArray{network.crop});
  // Clusters of the first weights, for new ones would make the loss another one.
  if (method == "deepcluster") options.set("every", kSteps);
  // No longer than there are images, or an image is told apart from its own earlier keys.
  if (method == "moco_v2") options.set("queue", kBatch);
  recipe.table.set("method", options);
  auto dataset = *recipe.table.find("dataset")->as_table();
  dataset.set("prepare", OptionTable{{"size", OptionArray{80, 80}}});
  recipe.table.set("dataset", dataset);
  recipe.table.set("optimiser", OptionTable{{"type", "adam"}, {"lr", kRate}});
  recipe.table.set("schedule", OptionTable{{"type", "constant"}});
  recipe.table.set("loop", OptionTable{{"steps", kSteps}, {"batch", kBatch}});
  return recipe;
}

/// A method on a backbone, and the steps that it takes.
class Training {
 public:
  explicit Training(const Recipe& recipe)
      : loader_(registries_, {fs::path(COVECTOR_BINARY_DIR) / "lib/covector/plugins"}) {
    Problems problems;
    plan_ = read_plan(recipe, registries_, loader_, problems);
    problems.raise();
    built_ = assemble(plan_, registries_, loader_, /*open_data=*/true);
  }

  bool trains() const { return built_.learner->trains(); }

  /// Takes all steps. @returns  by phase, the loss before and after
  std::map<std::string, std::pair<double, double>> run() {
    const auto images = training_indices(plan_, *built_.dataset);
    Trainer trainer(plan_, *built_.learner, *built_.chains,
                    static_cast<std::int64_t>(images.size()), c10::kCPU);
    const auto batches = batches_of(plan_, built_, 0, c10::kCPU);
    std::set<std::string> phases;
    for (std::int64_t step = 0; step < kSteps; ++step) {
      trainer.step(*batches);
      for (const auto& phase : built_.learner->phases(step, kSteps)) {
        if (phases.insert(phase).second)
          keep(phase);
        else
          views_[phase].push_back(trainer.last_views());
      }
      for (const auto& [name, value] : trainer.read_logs()) {
        INFO("step " << step << ", " << name);
        CHECK(std::isfinite(value));
      }
    }
    std::map<std::string, std::pair<double, double>> losses;
    State end;
    trainer.save(end);
    for (const auto& phase : phases) {
      trainer.restore(end);
      const auto after = loss(phase);
      trainer.restore(end);
      put_back(phase);
      losses[phase] = {loss(phase), after};
    }
    return losses;
  }

 private:
  /// What a phase trains, as it stands after its first step.
  void keep(const std::string& phase) {
    for (const auto& parameter : built_.learner->parameters_of(phase))
      first_[phase].push_back(parameter.detach().clone());
  }
  void put_back(const std::string& phase) {
    const torch::NoGradGuard no_grad;
    auto parameters = built_.learner->parameters_of(phase);
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(first_[phase][i]);
  }

  /// The loss of a phase over all views that it was trained on, in training mode, with the same
  /// random numbers at every call.
  double loss(const std::string& phase) {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    torch::manual_seed(0);
    for (auto& views : views_.at(phase))
      sum += built_.learner->step(views, {phase, kSteps - 1, kSteps, /*logged=*/false})
                 .loss.item<double>();
    return sum / static_cast<double>(views_.at(phase).size());
  }

  Registries registries_;
  PluginLoader loader_;
  TrainPlan plan_;
  Assembly built_;
  std::map<std::string, std::vector<at::Tensor>> first_;  // by phase
  std::map<std::string, std::vector<Views>> views_;       // of every step of a phase but its first
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Trains and says in a cell of the table what came of it.
std::string cell_of(const std::string& method, const Network& network) {
  INFO(method << " on " << network.name);
  try {
    Training training(recipe_of(method, network));
    if (method == "scratch") {
      CHECK_FALSE(training.trains());
      return "trains nothing";
    }
    std::string text;
    for (const auto& [phase, losses] : training.run()) {
      const auto& [before, after] = losses;
      INFO("phase " << phase);
      CHECK(after < before);
      text += (text.empty() ? "" : ", ") + number(before) + " → " + number(after) +
              (after < before ? "" : " ROSE");
    }
    return text;
  } catch (const std::exception& error) {
    // Every method runs on every backbone on images; what cannot is in combinations_test.cpp.
    FAIL_CHECK(error.what());
    return "FAILED";
  }
}

const char* const kExplanation =
    "\nA loss before and after 20 steps of Adam at 3e-4 (of a method's phases by name), on made-up "
    "images and tiny networks.\nBoth are means over all views of these steps, with all that is not "
    "trained (momentum copies, queues, clusters)\nas it is at the end: they differ by the trained "
    "weights alone. In 3D all methods run on unet; transunet, swinunet\nand ukan are 2D networks "
    "and "
    "refuse volumes.\n";

}  // namespace

// A loss that is compared over steps is noisy, and rises by itself where a queue that begins with
// random keys fills with real ones. So the same loss, over all views that were trained on, is
// measured twice when the steps are done:
// with the weights as they came out and with those after the phase's first step, everything else
// alike.
TEST_CASE("every method lowers its loss on every backbone", "[methods][slow]") {
  setenv("COVECTOR_SMOKE_DATA", smoke_images().c_str(), 1);
  auto rows = methods();
  rows.insert(rows.begin(), "scratch");
  std::string table = "| method |";
  for (const auto& network : kNetworks)
    table += " " + network.name + " " + std::to_string(network.crop) + "² |";
  table += "\n|---|---|---|---|---|\n";
  for (const auto& method : rows) {
    table += "| " + method + " |";
    for (const auto& network : kNetworks) table += " " + cell_of(method, network) + " |";
    table += "\n";
  }
  // `make test-all` shows it, for CTest is silent about tests that pass.
  const auto file = fs::path(COVECTOR_BINARY_DIR) / "tests/methods/matrix.md";
  std::ofstream(file) << table << kExplanation;
  std::cout << table << kExplanation;
  CHECK(fs::exists(file));
}
