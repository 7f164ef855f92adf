#include "support/catch.h"
#include "support/samples.h"

#include "methods/method_runs.h"

#include "assemble.h"
#include "recipe.h"
#include "support/numeric.h"

#include <torch/types.h>
#include <torch/utils.h>

using namespace covector;
using namespace covector::testing;
namespace fs = std::filesystem;

namespace {

constexpr const char* kUkan = "type = \"ukan\"\nchannels = [32, 40, 64]";

/// The method of a smoke recipe on another backbone, and views of four random images.
struct OnBackbone {
  explicit OnBackbone(const std::string& method, const std::string& backbone = kUkan)
      : loader(registries, {fs::path(COVECTOR_BINARY_DIR) / "lib/covector/plugins"}) {
    setenv("COVECTOR_SMOKE_DATA", "/nowhere", 1);
    auto recipe = load_recipe(smoke_recipe(method));
    recipe.table.set("backbone", parse_toml(backbone, "backbone.toml"));
    auto options = *recipe.table.find("method")->as_table();
    options.set("crop", OptionArray{64});
    recipe.table.set("method", options);
    recipe.table.set("loop", OptionTable{{"steps", 10}, {"batch", 4}});
    Problems problems;
    plan = read_plan(recipe, registries, loader, problems);
    problems.raise();
    built = assemble(plan, registries, loader, /*open_data=*/false);
    built.method->train();
  }

  Views views(const std::string& phase = "train") {
    torch::manual_seed(11);
    std::vector<Samples> images;
    for (std::int64_t i = 0; i < built.method->images_per_sample(); ++i) {
      images.push_back(covector::testing::apart(torch::rand({4, 1, 80, 80})));
      images.back().positions = {0, 1, 2, 3};
    }
    return built.chains->make(images, 5, 0, 0, {phase});
  }
  Method& method() { return *built.method; }
  at::Tensor buffer(const std::string& name) { return method().named_buffers()[name]; }
  std::map<std::string, at::Tensor> buffers_of(const std::string& prefix) {
    std::map<std::string, at::Tensor> all;
    for (const auto& item : method().named_buffers())
      if (item.key().starts_with(prefix)) all[item.key()] = item.value().clone();
    return all;
  }

  Registries registries;
  PluginLoader loader;
  TrainPlan plan;
  Assembly built;
};

/// What U-KAN's first batch normalisation has to have seen: a batch of its own for each view, one
/// after the other. From mean 0 and variance 1, s <- 0.9 s + 0.1 (that of the convolution's
/// output).
void check_first_norm(OnBackbone& parts, const std::string& network, Views& views,
                      const std::vector<std::string>& order) {
  INFO(network);
  const auto parameters = parts.method().named_parameters();
  const auto of = [&](const std::string& name) {
    return parameters[network + ".encoder1.conv.0." + name].detach();
  };
  auto mean = torch::zeros({4});
  auto variance = torch::ones({4});
  for (const auto& view : order) {
    const auto y = at::conv2d(views.at(view).image(), of("weight"), of("bias"), 1, 1);
    const auto rows = y.transpose(0, 1).flatten(1);
    mean = 0.9 * mean + 0.1 * rows.mean(1);
    variance = 0.9 * variance + 0.1 * rows.var(1, /*unbiased=*/true);
  }
  const auto norm = network + ".encoder1.conv.1.";
  CHECK(max_gap(parts.buffer(norm + "running_mean"), mean) < 1e-6);
  CHECK(max_gap(parts.buffer(norm + "running_var"), variance) < 1e-6);
  CHECK(parts.buffer(norm + "num_batches_tracked").item<std::int64_t>() ==
        static_cast<std::int64_t>(order.size()));
}

}  // namespace

TEST_CASE("every view is a batch of its own to batch normalisation, in a momentum copy too",
          "[methods][batch_norm]") {
  struct Passes {
    std::string method;
    std::vector<std::string> online;
    std::string copy;  // empty: the method has none
    std::vector<std::string> copied = {};
  };
  const Passes all[] = {
      {"moco_v2", {"first"}, "key_backbone", {"second"}},
      {"byol", {"first", "second"}, "target_backbone", {"first", "second"}},
      {"simsiam", {"first", "second"}, ""},
      {"vader", {"first"}, "key_backbone", {"second"}},
      {"densecl", {"query"}, "moco.key_backbone", {"key"}},
      {"pixpro", {"first", "second"}, "key_backbone", {"first", "second"}},
      {"cover", {"fixed", "moving"}, ""},
  };
  for (const auto& passes : all) {
    INFO(passes.method);
    OnBackbone parts(passes.method);
    auto views = parts.views();
    parts.method().step(views, {"train", 0, 10});
    check_first_norm(parts, "backbone", views, passes.online);
    if (passes.copy.empty()) continue;
    check_first_norm(parts, passes.copy, views, passes.copied);
    // The moving average is over weights; statistics are the copy's own.
    const auto before = parts.buffers_of(passes.copy);
    parts.method().after_step(0, 10);
    for (const auto& [name, value] : parts.buffers_of(passes.copy)) {
      INFO(name);
      CHECK(torch::equal(value, before.at(name)));
    }
  }
}

TEST_CASE("SimCLR's two views are one batch, as in its authors' code", "[methods][batch_norm]") {
  OnBackbone parts("simclr");
  auto views = parts.views();
  parts.method().step(views, {"train", 0, 10});
  const auto both = torch::cat({views.at("first").image(), views.at("second").image()});
  auto one = std::map<std::string, View>{};
  one.emplace("both", View(Batch{both, {}, {}, {}}));
  check_first_norm(parts, "backbone", one, {"both"});
}

TEST_CASE("looking at features moves no statistics", "[methods][batch_norm]") {
  for (const auto* method : {"moco_v2", "byol", "vader", "pixpro", "chaitanya"}) {
    INFO(method);
    OnBackbone parts(method);
    const auto before = parts.buffers_of("");
    parts.method().eval();
    const torch::NoGradGuard no_grad;
    auto views = parts.views(std::string(method) == "chaitanya" ? "global" : "train");
    CHECK_FALSE(parts.method().embed(views).empty());
    for (const auto& [name, value] : parts.buffers_of("")) {
      INFO(name);
      CHECK(torch::equal(value, before.at(name)));
    }
  }
}

TEST_CASE("the frozen encoder of Chaitanya's second stage neither uses nor moves batch statistics",
          "[methods][batch_norm]") {
  OnBackbone parts("chaitanya");
  auto& method = parts.method();
  {
    auto views = parts.views("global");
    method.step(views, {"global", 0, 10});
    check_first_norm(parts, "backbone", views, {"global_first", "global_second"});
  }
  const auto before = parts.buffers_of("backbone.");
  auto views = parts.views("local");
  const auto first = method.step(views, {"local", 5, 10}).loss.item<double>();
  std::size_t moved = 0;
  for (const auto& [name, value] : parts.buffers_of("backbone.")) {
    INFO(name);
    const auto inner = name.substr(std::string("backbone.").size());
    const bool same = torch::equal(value, before.at(name));
    if (parts.built.backbone->in_encoder(inner)) CHECK(same);
    if (!same) ++moved;
  }
  // Decoder up to stride 4, two views: mean, variance and count of the norms of decoder1 to
  // decoder3 (two each) and of the two token stages (three each).
  CHECK(moved == 3 * (3 * 2 + 2 * 3));
  for (const auto& module : method.modules()) CHECK(module->is_training());

  // It stands on its running statistics: with others the loss is another.
  parts.buffer("backbone.encoder1.conv.1.running_mean").add_(0.5);
  const auto second = method.step(views, {"local", 5, 10}).loss.item<double>();
  CHECK(std::abs(second - first) > 1e-4);
}

TEST_CASE("what a stage of Chaitanya trains, where level 0 is the decoder's", "[methods]") {
  // TransUNet's coarsest level is the first convolution of its decoder, which the first stage
  // neither runs nor trains.
  OnBackbone parts(
      "chaitanya",
      "type = \"transunet\"\nimage_size = 64\nwidth = 32\nunits = [1, 1, 1]\nlayers = 1\n"
      "hidden = 32\nmlp = 32\nheads = 4\nchannels = [32, 32, 16, 16, 16]");
  const auto trains = [&](const std::string& phase, const std::string& name) {
    for (const auto& parameter : parts.method().parameters_of(phase))
      if (parameter.is_same(parts.method().named_parameters()["backbone." + name])) return true;
    return false;
  };
  CHECK(trains("global", "transformer.encoder.encoder_norm.weight"));
  CHECK_FALSE(trains("local", "transformer.encoder.encoder_norm.weight"));
  for (const auto* name : {"decoder.conv_more.0.weight", "decoder.blocks.1.conv1.0.weight"}) {
    INFO(name);
    CHECK_FALSE(trains("global", name));
    CHECK(trains("local", name));
  }
  CHECK_FALSE(trains("local", "decoder.blocks.2.conv1.0.weight"));
}

TEST_CASE("a momentum copy leaves nothing out at random", "[methods]") {
  const std::string networks[] = {
      "type = \"transunet\"\nimage_size = 64\nwidth = 32\nunits = [1, 1, 1]\nlayers = 1\n"
      "hidden = 32\nmlp = 32\nheads = 4\nchannels = [32, 32, 16, 16, 16]\ndropout = 0.5",
      "type = \"swinunet\"\nimage_size = [64]\nwindow = 4\nembed_dim = 12\nheads = [1, 2, 4, 4]\n"
      "drop_path = 0.5"};
  for (const auto& network : networks) {
    INFO(network);
    OnBackbone parts("moco_v2", network);
    const torch::NoGradGuard no_grad;
    const auto x = torch::rand({4, 1, 64, 64});
    const auto repeats = [&](const std::string& name) {
      auto child = parts.method().named_children()[name];
      auto& backbone = dynamic_cast<Backbone&>(*child);
      REQUIRE(backbone.is_training());
      return torch::equal(backbone.encode(x), backbone.encode(x));
    };
    CHECK_FALSE(repeats("backbone"));
    CHECK(repeats("key_backbone"));
  }
}
