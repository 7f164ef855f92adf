// Times training steps, or parts of one, and prints a line of JSON. See README.md.
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "covector/networks/vector_embedding.h"
#include "optimiser.h"
#include "precision.h"

#include "timing.h"

using namespace covector;
using namespace covector::benchmark;

namespace {

const Settings kDefaults({
    {"what", "step"},
    {"precision", "float32"},
    {"malloc", "keep"},
    {"layout", "contiguous"},
    {"dimensions", "2"},
    {"size", "192"},
    {"batch", "4"},
    {"steps", "5"},
    {"warm-up", "2"},
    {"threads", "2"},
    {"plugins", COVECTOR_PLUGINS},
});
constexpr auto kUsage =
    "cover_step_benchmark [--what step|veu] [--precision float32|bfloat16] "
    "[--malloc keep|system] [--layout contiguous|channels_last] [--plugins FOLDER] "
    "[--dimensions 2|3] [--size N] [--batch N] [--steps N] [--warm-up N] [--threads N]";

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings), loader_(registries_, {}) {
    const InputSpec input{1, dimensions()};
    const std::string folder = settings.text("plugins");
    loader_.load(folder + "/unet.covector.so");
    backbone_ = registries_.of<Backbone>().create({{"type", "unet"}}, "backbone", input);
    if (!settings.first_of("what", "step", "veu")) return;
    loader_.load(folder + "/cover.covector.so");
    method_ = registries_.of<Method>().create(
        {{"type", "cover"}, {"crop", OptionArray{settings.number("size")}}}, "method", backbone_,
        MethodInput{input, settings.number("batch")});
    if (settings.first_of("layout", "channels_last", "contiguous")) use_channels_last(*method_);
    optimiser_ = optimisers().create({{"type", "adam"}, {"clip_norm", 1.0}}, "optimiser",
                                     method_->parameters_of("train"));
  }

  Times once() { return settings_.first_of("what", "step", "veu") ? step() : veu(); }

 private:
  std::int64_t dimensions() const { return settings_.first_of("dimensions", "2", "3") ? 2 : 3; }
  std::vector<std::int64_t> cube(std::int64_t side) const {
    return std::vector<std::int64_t>(static_cast<std::size_t>(dimensions()), side);
  }

  // A source half as large again, turned and stretched for the fixed view, and one crop.
  Views views() const {
    const auto d = dimensions();
    const auto side = settings_.number("size");
    const auto source = side * 3 / 2;
    const auto batch = settings_.number("batch");
    auto shape = cube(source);
    shape.insert(shape.begin(), {batch, 1});
    const Batch images{torch::rand(shape), std::nullopt, std::vector<std::string>(batch)};
    const auto turn =
        d == 2 ? torch::tensor({1.1, 0.2, -20.0, -0.3, 0.9, 30.0}, torch::kFloat64)
               : torch::tensor({1.1, 0.0, 0.0, -4.0, 0.0, 1.1, 0.2, -8.0, 0.0, -0.3, 0.9, 14.0},
                               torch::kFloat64);
    const auto crop = SpatialMap::translation(
        torch::full({batch, d}, static_cast<double>(side / 4), torch::kFloat64), cube(side));
    View fixed(images);
    fixed.resample(SpatialMap(turn.view({1, d, d + 1}).repeat({batch, 1, 1}), cube(source)));
    fixed.resample(crop);
    View moving(images);
    moving.resample(crop);
    Views both{{"fixed", fixed}, {"moving", moving}};
    for (auto& item : both) item.second.image();  // resampled before the clock starts
    if (settings_.first_of("layout", "channels_last", "contiguous")) use_channels_last(both);
    return both;
  }

  Times step() {
    auto both = views();
    return time_training(
        [&] {
          const Autocast autocast(at::kCPU, settings_.first_of("precision", "bfloat16", "float32"));
          return method_->step(both, {"train", 0, 1, true}).loss;
        },
        [&] { optimiser_->step(1e-4); });
  }

  // One unit on the finest level: 8 channels, radius 2.
  Times veu() const {
    auto shape = cube(settings_.number("size"));
    shape.insert(shape.begin(), {settings_.number("batch"), 8});
    const auto q = torch::randn(shape).set_requires_grad(true);
    const auto k = torch::randn(shape).set_requires_grad(true);
    const auto start = Clock::now();
    const auto v = networks::vector_embedding(q, k, 2, 1);
    const auto forward = Clock::now();
    v.backward(torch::ones_like(v));
    const auto end = Clock::now();
    return {{"forward", milliseconds(start, forward)}, {"step", milliseconds(start, end)}};
  }

  Settings settings_;
  Registries registries_;
  PluginLoader loader_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Method> method_;
  std::shared_ptr<Optimiser> optimiser_;
};

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(kDefaults, argc, argv, kUsage, [](const Settings& settings) {
    Bench bench(settings);
    return time_steps(settings, [&] { return bench.once(); });
  });
}
