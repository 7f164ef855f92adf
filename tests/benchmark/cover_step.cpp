// Times training steps, or parts of one, and prints a line of JSON. See README.md.
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "covector/networks/vector_embedding.h"
#include "optimiser.h"
#include "precision.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/types.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <string>

using namespace covector;

namespace {

struct Settings {
  std::map<std::string, std::string> values{
      {"what", "step"}, {"precision", "float32"}, {"malloc", "keep"}, {"layout", "contiguous"},
      {"plugins", ""},  {"size", "192"},          {"batch", "4"},     {"steps", "5"},
      {"warm-up", "2"}, {"threads", "2"},
  };
  const std::string& text(const std::string& name) const { return values.at(name); }
  std::int64_t number(const std::string& name) const { return std::stoll(values.at(name)); }
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; i += 2) {
    const std::string name(argv[i]);
    if (name.substr(0, 2) != "--" || !settings.values.count(name.substr(2)) || i + 1 == argc)
      throw std::invalid_argument(
          "usage: cover_step_benchmark [--what step|unet|veu] "
          "[--precision float32|bfloat16] [--malloc keep|system] "
          "[--layout contiguous|channels_last] [--plugins FOLDER] "
          "[--size N] [--batch N] [--steps N] [--warm-up N] [--threads N]");
    settings.values[name.substr(2)] = argv[i + 1];
  }
  return settings;
}

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// Times of the phases of a step, one row a phase and one number a step.
using Times = std::map<std::string, std::vector<double>>;

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings), loader_(registries_, {}) {
    const InputSpec input{1, 2};
    const std::string folder = settings.text("plugins");
    loader_.load(folder + "/unet.covector.so");
    backbone_ = registries_.of<Backbone>().create({{"type", "unet"}}, "backbone", input);
    if (settings.text("what") != "step") return;
    loader_.load(folder + "/cover.covector.so");
    method_ = registries_.of<Method>().create(
        {{"type", "cover"}, {"crop", OptionArray{settings.number("size")}}}, "method", backbone_,
        MethodInput{input, settings.number("batch")});
    if (settings.text("layout") == "channels_last") use_channels_last(*method_);
    optimiser_ = optimisers().create({{"type", "adam"}, {"clip_norm", 1.0}}, "optimiser",
                                     method_->parameters_of("train"));
  }

  Times run() {
    const auto what = settings_.text("what");
    const auto once = what == "step" ? &Bench::step : what == "unet" ? &Bench::unet : &Bench::veu;
    const auto warm_up = settings_.number("warm-up");
    Times times;
    for (std::int64_t i = 0; i < warm_up + settings_.number("steps"); ++i) {
      Times one;
      (this->*once)(one);
      if (i < warm_up) continue;
      for (auto& [name, values] : one) times[name].push_back(values.front());
    }
    return times;
  }

 private:
  at::Tensor image() const {
    const auto side = settings_.number("size");
    auto x = torch::rand({settings_.number("batch"), 1, side, side});
    return settings_.text("layout") == "channels_last"
               ? x.contiguous(at::MemoryFormat::ChannelsLast)
               : x;
  }

  // A source half as large again, turned and stretched for the fixed view, and one crop.
  Views views() const {
    const auto side = settings_.number("size");
    const auto source = side * 3 / 2;
    const auto batch = settings_.number("batch");
    const Batch images{torch::rand({batch, 1, source, source}), std::nullopt,
                       std::vector<std::string>(batch)};
    const auto turn = torch::tensor({1.1, 0.2, -20.0, -0.3, 0.9, 30.0}, torch::kFloat64);
    const auto crop = SpatialMap::translation(
        torch::full({batch, 2}, static_cast<double>(side / 4), torch::kFloat64), {side, side});
    View fixed(images);
    fixed.resample(SpatialMap(turn.view({1, 2, 3}).repeat({batch, 1, 1}), {source, source}));
    fixed.resample(crop);
    View moving(images);
    moving.resample(crop);
    Views both{{"fixed", fixed}, {"moving", moving}};
    for (auto& item : both) item.second.image();  // resampled before the clock starts
    if (settings_.text("layout") == "channels_last") use_channels_last(both);
    return both;
  }

  void step(Times& times) {
    auto both = views();
    const auto start = Clock::now();
    at::Tensor loss;
    {
      const Autocast autocast(at::kCPU, settings_.text("precision") == "bfloat16");
      loss = method_->step(both, "train").loss;
    }
    const auto forward = Clock::now();
    loss.backward();
    const auto backward = Clock::now();
    optimiser_->step(1e-4);
    const auto end = Clock::now();
    times["forward"] = {milliseconds(start, forward)};
    times["backward"] = {milliseconds(forward, backward)};
    times["optimiser"] = {milliseconds(backward, end)};
    times["step"] = {milliseconds(start, end)};
  }

  // One view through the backbone and back.
  void unet(Times& times) {
    const auto x = image();
    const auto start = Clock::now();
    auto loss = torch::zeros({});
    {
      const Autocast autocast(at::kCPU, settings_.text("precision") == "bfloat16");
      for (const auto& level : backbone_->pyramid(x))
        loss = loss + level.to(torch::kFloat32).square().mean();
    }
    const auto forward = Clock::now();
    loss.backward();
    const auto end = Clock::now();
    times["forward"] = {milliseconds(start, forward)};
    times["step"] = {milliseconds(start, end)};
  }

  // One unit on the finest level: 8 channels, radius 2.
  void veu(Times& times) {
    const auto side = settings_.number("size");
    const std::vector<std::int64_t> shape{settings_.number("batch"), 8, side, side};
    const auto q = torch::randn(shape).set_requires_grad(true);
    const auto k = torch::randn(shape).set_requires_grad(true);
    const auto start = Clock::now();
    const auto v = networks::vector_embedding(q, k, 2, 1);
    const auto forward = Clock::now();
    v.backward(torch::ones_like(v));
    const auto end = Clock::now();
    times["forward"] = {milliseconds(start, forward)};
    times["step"] = {milliseconds(start, end)};
  }

  Settings settings_;
  Registries registries_;
  PluginLoader loader_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Method> method_;
  std::shared_ptr<Optimiser> optimiser_;
};

void print(const Settings& settings, const Times& times) {
  std::cout << "{\"settings\": {";
  const char* comma = "";
  for (const auto& [name, value] : settings.values) {
    if (name == "plugins") continue;
    std::cout << comma << '"' << name << "\": \"" << value << '"';
    comma = ", ";
  }
  std::cout << "}, \"milliseconds\": {";
  comma = "";
  for (const auto& [name, values] : times) {
    std::cout << comma << '"' << name << "\": [";
    comma = "";
    for (const auto value : values) {
      std::cout << comma << value;
      comma = ", ";
    }
    std::cout << ']';
    comma = ", ";
  }
  std::cout << "}}\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto settings = settings_of(argc, argv);
    if (settings.text("plugins").empty()) settings.values["plugins"] = COVECTOR_PLUGINS;
    if (settings.text("malloc") == "keep") {  // as the program does
      mallopt(M_MMAP_MAX, 0);
      mallopt(M_TRIM_THRESHOLD, -1);
    }
    at::set_num_threads(static_cast<int>(settings.number("threads")));
    torch::manual_seed(0);
    Bench bench(settings);
    print(settings, bench.run());
  } catch (const std::exception& error) {
    std::cerr << "cover_step_benchmark: " << error.what() << '\n';
    return 1;
  }
}
