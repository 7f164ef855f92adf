// The authors' own networks, where COVECTOR_OFFICIAL names a folder with their repositories and
// COVECTOR_PYTHON a Python that runs them; official.py says which and what it needs.
#include "support/catch.h"

#include "support/numeric.h"
#include "weights/python.h"
#include "weights_exchange.h"
#include "weights_file.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::testing;
namespace fs = std::filesystem;

namespace {

/// A folder, the authors' repositories and a Python; nothing where one is not there.
struct Official {
  static std::optional<std::string> command() {
    const auto* checkouts = std::getenv("COVECTOR_OFFICIAL");
    if (!checkouts) {
      WARN("skipped: COVECTOR_OFFICIAL names no folder with the authors' repositories");
      return std::nullopt;
    }
    const auto python = python_with("torch, scipy, safetensors, einops, ml_collections");
    if (!python) return std::nullopt;
    return *python + " " + COVECTOR_SOURCE_DIR + "/tests/weights/official.py {} " + checkouts;
  }
};

/// The program with its plug-ins, and a recipe of one network.
struct Network {
  explicit Network(const std::string& backbone)
      : recipe{parse_toml("kind = \"pretrain\"\n[dataset]\ntype = \"image_folder\"\nroot = "
                          "\"/no/data\"\n[method]\ntype = \"scratch\"\n[backbone]\n" +
                              backbone,
                          "network.toml"),
               "network.toml",
               {}} {}

  LoadReport import(const fs::path& file, const fs::path& output, bool encoder = false) {
    return import_weights({recipe, file, output, encoder, false, {}}, registries, loader);
  }
  /// With the weights of a checkpoint.
  std::shared_ptr<Backbone> loaded(const fs::path& checkpoint) {
    auto table = *recipe.table.find("backbone")->as_table();
    loader.provide("backbone", *table.find("type")->as_string());
    auto backbone = registries.of<Backbone>().create(table, "backbone", InputSpec{1, 2});
    load_pretrained(*backbone, checkpoint, [](const std::string& text) { FAIL(text); });
    backbone->eval();
    return backbone;
  }

  Registries registries;
  PluginLoader loader{registries, {fs::path(COVECTOR_BINARY_DIR) / "lib/covector/plugins"}};
  Recipe recipe;
};

struct Case {
  std::string name;
  std::string backbone;
  std::size_t matched;  // tensors
  std::size_t ignored;
};

// Counts of tensors from the sheets: keys of the authors' networks less heads and buffers.
const std::vector<Case> kCases{
    {"unet", "type = \"unet\"\n", 72, 24},
    {"ukan", "type = \"ukan\"\nrepeat3 = true\n", 268, 2},
    {"swinunet", "type = \"swinunet\"\nrepeat3 = true\n", 0, 0},
    {"transunet", "type = \"transunet\"\nimage_size = 64\nlayers = 2\n", 0, 0}};

void check_outputs(Backbone& backbone, const StateDict& saved) {
  const torch::NoGradGuard no_grad;
  for (const auto& [word, type, most] : {std::tuple("torch.float32", torch::kFloat32, 1e-5),
                                         std::tuple("torch.float64", torch::kFloat64, 1e-9)}) {
    INFO(word);
    backbone.to(type);
    const auto image = saved.at("image").to(type);
    CHECK(max_gap(backbone.encode(image), saved.at(std::string("encoded.") + word)) < most);
    if (const auto finest = saved.find(std::string("finest.") + word); finest != saved.end())
      CHECK(max_gap(backbone.pyramid(image).back(), finest->second) < most);
  }
}

}  // namespace

TEST_CASE("weights of the authors' networks come in, and go out to them", "[official][slow]") {
  const auto command = Official::command();
  if (!command) return;
  for (const auto& item : kCases) {
    INFO(item.name);
    const ScratchFolder folder;
    const auto run = [&](const std::string& job, const std::string& more) {
      auto words = *command;
      words.replace(words.find("{}"), 2, job + " " + item.name);
      run_python(words + " " + folder.path().string() + more, folder);
    };
    run("make", "");
    Network network(item.backbone);
    const auto weights = folder / "weights.h5";
    const auto report = network.import(folder / (item.name + ".pth"), weights);
    CHECK(report.matched.size() == item.matched);
    CHECK(report.ignored.size() == item.ignored);
    const auto saved = read_weights(folder / (item.name + ".io.pth")).groups.at(0).tensors;
    check_outputs(*network.loaded(weights), saved);

    for (const auto* suffix : {".pt", ".safetensors"}) {
      const auto file = folder / (std::string("exported") + suffix);
      export_weights(weights, file, network.registries, network.loader,
                     [](const std::string& text) { FAIL(text); });
      run("check", " " + file.string());
    }
  }
}

TEST_CASE("TransUNet's weights of ImageNet-21k come in as its load_from() takes them",
          "[official][slow]") {
  auto command = Official::command();
  if (!command) return;
  const ScratchFolder folder;
  command->replace(command->find("{}"), 2, "make transunet-npz");
  run_python(*command + " " + folder.path().string(), folder);
  Network network("type = \"transunet\"\nimage_size = 96\nlayers = 2\n");
  const auto report =
      network.import(folder / "transunet-npz.npz", folder / "weights.h5", /*encoder=*/true);
  CHECK(report.fits());
  CHECK(report.ignored.size() == 3);  // cls, head/kernel, head/bias
  check_outputs(*network.loaded(folder / "weights.h5"),
                read_weights(folder / "transunet-npz.io.pth").groups.at(0).tensors);
}
