// Times training steps of a backbone by itself and prints a line of JSON. See README.md.
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "optimiser.h"
#include "precision.h"

#include "timing.h"

using namespace covector;
using namespace covector::benchmark;

namespace {

const Settings kDefaults({
    {"backbone", "unet"},
    {"dimensions", "2"},
    {"window", "12"},
    {"checkpoint", ""},
    {"precision", "float32"},
    {"malloc", "keep"},
    {"size", "384"},
    {"batch", "1"},
    {"steps", "5"},
    {"warm-up", "2"},
    {"threads", "2"},
    {"plugins", COVECTOR_PLUGINS},
});
constexpr auto kUsage =
    "backbone_step_benchmark [--backbone unet|transunet|swinunet|ukan] [--dimensions 2|3] "
    "[--window N] [--checkpoint STAGE] [--precision float32|bfloat16] [--malloc keep|system] "
    "[--plugins FOLDER] [--size N] [--batch N] [--steps N] [--warm-up N] [--threads N]";

// The network that the authors' class builds, see authors_backbone.py.
OptionTable options_of(const Settings& settings) {
  const auto& name = settings.text("backbone");
  const auto size = settings.number("size");
  OptionTable options{{"type", name}};
  if (name == "transunet") options.set("image_size", size);
  if (name == "swinunet") {
    options.set("image_size", OptionArray{size});
    options.set("window", settings.number("window"));
    options.set("bridge", "x4");
  }
  if (name == "ukan") options.set("repeat3", true);
  if (!settings.text("checkpoint").empty())
    options.set("checkpoint", OptionArray{settings.text("checkpoint")});
  return options;
}

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings), loader_(registries_, {}) {
    loader_.load(settings.text("plugins") + "/" + settings.text("backbone") + ".covector.so");
    program_ = peak_mebibytes();
    const InputSpec input{1, settings.number("dimensions")};
    backbone_ = registries_.of<Backbone>().create(options_of(settings), "backbone", input);
    optimiser_ = optimisers().create({{"type", "adam"}}, "optimiser", backbone_->parameters());
  }

  Times step() {
    std::vector<std::int64_t> shape{settings_.number("batch"), 1};
    shape.resize(2 + settings_.number("dimensions"), settings_.number("size"));
    const auto image = torch::rand(shape);
    return time_training(
        [&] {
          const Autocast autocast(at::kCPU, settings_.first_of("precision", "bfloat16", "float32"));
          return backbone_->pyramid(image).back().square().mean();
        },
        [&] { optimiser_->step(1e-4); });
  }

  double program_mebibytes() const { return program_; }
  std::int64_t parameters() const {
    std::int64_t count = 0;
    for (const auto& parameter : backbone_->parameters()) count += parameter.numel();
    return count;
  }

 private:
  Settings settings_;
  double program_ = 0;  // memory before there is a network
  Registries registries_;
  PluginLoader loader_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Optimiser> optimiser_;
};

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(kDefaults, argc, argv, kUsage, [](const Settings& settings) {
    Bench bench(settings);
    auto result = time_steps(settings, [&] { return bench.step(); });
    result["mebibytes_program"] = bench.program_mebibytes();
    result["parameters"] = bench.parameters();
    return result;
  });
}
