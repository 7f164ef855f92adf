#include "support/catch.h"

#include "checkpoint.h"
#include "covector/core/error.h"
#include "support/process.h"
#include "support/toy_runs.h"
#include "weights_exchange.h"
#include "weights_file.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

namespace {

/// What the toy backbone's authors would have published: every tensor its own numbers.
StateDict published() {
  const auto filled = [](const std::vector<std::int64_t>& sizes, double first) {
    const auto tensor = torch::empty(sizes);
    return torch::arange(tensor.numel(), torch::kFloat32).view(sizes) / 100 + first;
  };
  return {{"encoder.weight", filled({3, 1, 3, 3}, 1)},
          {"encoder.bias", filled({3}, 2)},
          {"decoder.weight", filled({3, 3, 3, 3}, 3)},
          {"decoder.bias", filled({3}, 4)},
          {"norm.weight", filled({3}, 5)},
          {"norm.bias", filled({3}, 6)},
          {"norm.running_mean", filled({3}, 7)},
          {"norm.running_var", filled({3}, 8)},
          {"norm.num_batches_tracked", torch::tensor(9, torch::kInt64)}};
}

/// Imports into the toy backbone, from and into one folder.
class Exchange {
 public:
  LoadReport import(const StateDict& tensors,
                    const std::function<void(ImportRequest&)>& with = {}) {
    fs::remove(folder_ / "in.safetensors");
    write_weights(folder_ / "in.safetensors", tensors);
    ImportRequest request;
    request.recipe = ToyProgram::pretrain("steps = 1");
    request.file = folder_ / "in.safetensors";
    request.output = output();
    if (with) with(request);
    return import_weights(request, program_.registries, program_.loader);
  }
  ExportedWeights export_to(const fs::path& from, const std::string& name) {
    return export_weights(from, folder_ / name, program_.registries, program_.loader,
                          [this](const std::string& text) { warnings.push_back(text); });
  }
  fs::path output() const { return folder_ / "out.h5"; }
  const ScratchFolder& folder() const { return folder_; }
  ToyProgram& program() { return program_; }
  Names warnings;

 private:
  ScratchFolder folder_;
  ToyProgram program_;
};

void allow_unexpected(ImportRequest& request) {
  request.allow_unexpected = true;
}
void take_encoder(ImportRequest& request) {
  request.encoder = true;
}

}  // namespace

TEST_CASE("imported weights are those that a task starts from", "[import]") {
  Exchange exchange;
  const auto report = exchange.import(published());
  CHECK(report.matched.size() == 9);
  CHECK(report.fits());
  CHECK(report.loaded_numbers == 27 + 3 + 81 + 3 + 4 * 3 + 1);
  CHECK(to_text(report) ==
        "weights of " + (exchange.folder() / "in.safetensors").string() +
            ": matched 9 tensors, 100.0 % of the backbone's numbers, missing 0, unexpected 0, "
            "reshaped 0");

  const auto state = read_state(exchange.output());
  for (const auto& [name, tensor] : published()) {
    INFO(name);
    CHECK(torch::equal(state.tensors.at("weights/backbone." + name), tensor));
  }
  CHECK(state.texts.at("transfer") == "network");
  CHECK(nlohmann::json::parse(state.texts.at("load_report")).at("step").is_null());

  // Steps so small that the weights stay.
  const auto recipe = ToyProgram::adapt(
      "steps = 1\nbatch = 2\n", "[optimiser]\ntype = \"sgd\"\nlr = 1e-30\n[pretrained]\nrun = \"" +
                                    exchange.output().string() + "\"\n");
  REQUIRE(exchange.program().run(recipe, exchange.folder() / "run") == 0);
  CHECK(exchange.program().out.str().find("matched 9 tensors, 100.0 %") != std::string::npos);
  const auto last = read_state(exchange.folder() / "run/checkpoints/step-000000001.h5");
  CHECK(torch::equal(last.tensors.at("weights/backbone.encoder.weight"),
                     published().at("encoder.weight")));
}

TEST_CASE("numbers of another width are converted and said", "[import]") {
  Exchange exchange;
  auto tensors = published();
  tensors["encoder.weight"] = tensors["encoder.weight"].to(torch::kFloat64);
  tensors["norm.num_batches_tracked"] = torch::tensor(9, torch::kInt32);
  const auto report = exchange.import(tensors);
  CHECK(report.changed ==
        Names{"encoder.weight: float64 -> float32", "norm.num_batches_tracked: int32 -> int64"});
  const auto state = read_state(exchange.output());
  CHECK(torch::equal(state.tensors.at("weights/backbone.encoder.weight"),
                     published().at("encoder.weight")));
}

TEST_CASE("the encoder alone", "[import]") {
  Exchange exchange;
  auto tensors = published();
  for (const auto* name : {"decoder.weight", "decoder.bias"}) tensors.erase(name);
  CHECK_THROWS_WITH(
      exchange.import(tensors),
      Contains("missing 2, unexpected 0, reshaped 0\n  missing: decoder.bias\n  missing: "
               "decoder.weight") &&
          Contains("All that is missing lies outside the encoder: --encoder takes the encoder"));
  CHECK_FALSE(fs::exists(exchange.output()));

  const auto report = exchange.import(tensors, take_encoder);
  CHECK(report.matched == Names{"encoder.bias", "encoder.weight"});
  CHECK(report.kept.size() == 7);
  CHECK(to_text(report).find("(encoder only): matched 2 tensors") != std::string::npos);
  CHECK(read_state(exchange.output()).texts.at("transfer") == "encoder");
  CHECK_THROWS_WITH(exchange.export_to(exchange.output(), "x.pt"),
                    StartsWith("nothing was exported, the checkpoint does not hold all of its "
                               "backbone; weights of ") &&
                        Contains("missing: decoder.bias"));
}

TEST_CASE("what does not fit is an error, by name, and nothing is written", "[import][errors]") {
  Exchange exchange;
  auto tensors = published();
  tensors.erase("encoder.bias");
  tensors["head.weight"] = torch::zeros({2});
  tensors["norm.bias"] = torch::zeros({4});
  CHECK_THROWS_WITH(exchange.import(tensors),
                    StartsWith("nothing was imported from '" +
                               (exchange.folder() / "in.safetensors").string() + "': ") &&
                        Contains("missing 1, unexpected 1, reshaped 1\n  missing: encoder.bias\n  "
                                 "unexpected: head.weight\n  reshaped: norm.bias [4] -> [3]") &&
                        Contains("Shapes follow from the options of [backbone]"));
  CHECK_THROWS_AS(exchange.import(tensors), DataError);

  tensors = published();
  tensors["head.weight"] = torch::zeros({2});
  CHECK_THROWS_WITH(exchange.import(tensors), Contains("--allow-unexpected passes over it"));
  CHECK_FALSE(fs::exists(exchange.output()));
  const auto report = exchange.import(tensors, allow_unexpected);
  CHECK(report.ignored == Names{"head.weight: unexpected, as --allow-unexpected permits"});
  CHECK(fs::exists(exchange.output()));
}

TEST_CASE("numbers of another kind are an error", "[import][errors]") {
  Exchange exchange;
  auto tensors = published();
  tensors["encoder.bias"] = torch::ones({3}, torch::kInt64);
  tensors["norm.num_batches_tracked"] = torch::tensor(9.5);
  CHECK_THROWS_WITH(exchange.import(tensors),
                    Contains("numbers of a wrong type:\n  encoder.bias: int64 -> float32\n  "
                             "norm.num_batches_tracked: float32 -> int64"));
  tensors = {{"other", torch::zeros({1})}};
  CHECK_THROWS_WITH(exchange.import(tensors),
                    Contains("none of its tensors is one of this network, such as 'decoder.bias'"));
}

TEST_CASE("an import overwrites nothing and wants a recipe of one network", "[import][errors]") {
  Exchange exchange;
  exchange.folder().write("out.h5", "mine");
  CHECK_THROWS_WITH(
      exchange.import(published()),
      "'" + exchange.output().string() + "' exists already; choose another file or remove it");
  CHECK(text_of(exchange.output()) == "mine");
  fs::remove(exchange.output());
  CHECK_THROWS_WITH(exchange.import(published(),
                                    [](ImportRequest& request) {
                                      request.recipe.table.set("kind", "benchmark");
                                    }),
                    "toy.toml is of kind benchmark; name a recipe with the [backbone] itself");
}

TEST_CASE("a run's network goes out and comes in as it was", "[export]") {
  Exchange exchange;
  const auto run = exchange.folder() / "run";
  REQUIRE(exchange.program().run(ToyProgram::pretrain("steps = 2"), run) == 0);
  const auto exported = exchange.export_to(run, "w.pt");
  CHECK(exported.backbone == "toy");
  CHECK(exported.tensors == 9);
  CHECK(exported.report.step == 2);
  CHECK(exported.trained == Transfer::network);
  const auto state = read_state(run / "checkpoints/step-000000002.h5");
  const auto read = read_weights(exchange.folder() / "w.pt").groups.at(0).tensors;
  REQUIRE(read.size() == 9);
  for (const auto& [name, tensor] : read) {
    INFO(name);
    CHECK(torch::equal(tensor, state.tensors.at("weights/backbone." + name)));
  }
  // Also from a checkpoint, and from what was imported.
  exchange.export_to(run / "checkpoints/step-000000002.h5", "again.pt");
  exchange.import(published());
  exchange.export_to(exchange.output(), "imported.safetensors");
  CHECK(torch::equal(
      read_weights(exchange.folder() / "imported.safetensors").groups.at(0).tensors.at("norm.bias"),
      published().at("norm.bias")));
}

TEST_CASE("of a task the best checkpoint goes out", "[export]") {
  Exchange exchange;
  const auto run = exchange.folder() / "run";
  REQUIRE(exchange.program().run(ToyProgram::adapt("steps = 4\nbatch = 2\nvalidate_every = 2\n"),
                                 run) == 0);
  CHECK(exchange.export_to(run, "w.pt").report.source == (run / "checkpoints/best.h5").string());
}

TEST_CASE("a method that trains the encoder alone is said to", "[export]") {
  Exchange exchange;
  const auto run = exchange.folder() / "run";
  REQUIRE(exchange.program().run(ToyProgram::pretrain("steps = 1", "encoder_only = true"), run) ==
          0);
  CHECK(exchange.export_to(run, "w.pt").trained == Transfer::encoder);
}

TEST_CASE("what cannot be exported", "[export][errors]") {
  Exchange exchange;
  const auto& folder = exchange.folder();
  CHECK_THROWS_WITH(exchange.export_to(folder / "none", "w.pt"),
                    "there is no run or checkpoint '" + (folder / "none").string() + "'");
  fs::create_directories(folder / "empty");
  CHECK_THROWS_WITH(exchange.export_to(folder / "empty", "w.pt"),
                    "the run '" + (folder / "empty").string() + "' has no checkpoint");
  CHECK_THROWS_WITH(exchange.export_to(folder.write("text.h5", "hello"), "w.pt"),
                    Contains("is not a whole checkpoint"));
  State other;
  other.tensors["pages"] = torch::zeros({1});
  write_state(folder / "other.h5", other);
  CHECK_THROWS_WITH(
      exchange.export_to(folder / "other.h5", "w.pt"),
      "'" + (folder / "other.h5").string() + "' does not say which backbone it is of");
  // Before the checkpoint is looked for.
  CHECK_THROWS_WITH(exchange.export_to(folder / "none", "w.bin"), Contains("the suffix says"));
  folder.write("there.pt", "mine");
  CHECK_THROWS_WITH(exchange.export_to(folder / "none", "there.pt"), Contains("exists already"));
}

TEST_CASE("the two commands, from a recipe to PyTorch and back", "[import][export][cli]") {
  const ScratchFolder folder;
  const auto program = [&](const Names& words) {
    return run_process(
        fs::path(COVECTOR_BINARY_DIR) / "bin/covector", words,
        {"OMP_NUM_THREADS=1",
         "COVECTOR_PLUGIN_PATH=" + std::string(COVECTOR_BINARY_DIR) + "/lib/covector/plugins"});
  };
  const auto path = [&](const char* name) { return (folder / name).string(); };
  folder.write("unet.toml",
               "kind = \"pretrain\"\n[dataset]\ntype = \"image_folder\"\nroot = \"/no/data\"\n"
               "[backbone]\ntype = \"unet\"\nchannels = [8, 8, 8, 8, 8, 8, 8, 8, 8]\n"
               "[method]\ntype = \"scratch\"\n");

  CHECK(program({"import", path("unet.toml"), path("none.pt")}).code == 2);
  const auto absent = program({"import", path("unet.toml"), path("none.pt"), "-o", path("w.h5")});
  CHECK(absent.code == 4);
  CHECK_THAT(absent.error, Contains("No such file or directory"));
  CHECK(program({"export", path("none.h5"), path("w.pt")}).code == 4);
  CHECK(program({"export", path("none.h5"), path("w.bin")}).code == 2);

  // A U-Net of eights: each scale has two convolutions and two norms.
  StateDict tensors;
  const auto block = [&](const std::string& name, std::int64_t in) {
    for (const auto& [part, sizes] :
         std::map<std::string, std::vector<std::int64_t>>{{"0.weight", {8, in, 3, 3}},
                                                          {"0.bias", {8}},
                                                          {"1.weight", {8}},
                                                          {"1.bias", {8}},
                                                          {"3.weight", {8, 8, 3, 3}},
                                                          {"3.bias", {8}},
                                                          {"4.weight", {8}},
                                                          {"4.bias", {8}}})
      tensors["module.backbone." + name + ".double_conv." + part] = torch::randn(sizes);
  };
  block("inc", 1);
  for (const auto* number : {"1", "2", "3", "4"}) {
    block(std::string("down") + number + ".maxpool_conv.1", 8);
    block(std::string("up") + number + ".conv", 16);
  }
  tensors["module.proj.0.norm.weight"] = torch::ones({32});
  write_weights(folder / "cover.pth", tensors);

  const auto imported =
      program({"import", path("unet.toml"), path("cover.pth"), "--output", path("w.h5")});
  INFO(imported.error);
  REQUIRE(imported.code == 0);
  CHECK_THAT(imported.output,
             Contains("matched 72 tensors, 100.0 %") &&
                 Contains("changed: 'module.backbone.' before the names is taken off") &&
                 Contains("ignored: proj.0.norm.weight: of COVER's vectors, not of the network") &&
                 Contains("run = \"" + path("w.h5") + "\""));
  const auto exported = program({"export", path("w.h5"), path("w.safetensors"), "--json"});
  INFO(exported.error);
  REQUIRE(exported.code == 0);
  CHECK(nlohmann::json::parse(exported.output).at("matched").size() == 72);
  const auto read = read_weights(folder / "w.safetensors").groups.at(0).tensors;
  CHECK(torch::equal(read.at("up4.conv.double_conv.3.weight"),
                     tensors.at("module.backbone.up4.conv.double_conv.3.weight")));
}
