// The authors' own networks, where COVECTOR_OFFICIAL names a folder with their repositories and
// COVECTOR_PYTHON a Python that runs them; official.py says which and what it needs.
#include "support/catch.h"

#include "support/numeric.h"
#include "support/toy_parts.h"
#include "weights/python.h"
#include "weights_exchange.h"
#include "weights_file.h"

#include <torch/types.h>

#include <algorithm>

using namespace covector;
using namespace covector::testing;
namespace fs = std::filesystem;

namespace {

/// Runs official.py with the authors' repositories.
class Official {
 public:
  /// Nothing, which is said, where these or a Python for them are not there.
  static std::optional<Official> find() {
    const auto* checkouts = std::getenv("COVECTOR_OFFICIAL");
    if (!checkouts) {
      WARN("skipped: COVECTOR_OFFICIAL names no folder with the authors' repositories");
      return std::nullopt;
    }
    const auto python = python_with("torch, scipy, safetensors, einops, ml_collections");
    return python ? std::optional(Official(*python, checkouts)) : std::nullopt;
  }
  void run(const std::string& job, const std::string& network, const ScratchFolder& folder,
           const std::string& file = "") const {
    run_python(python_ + " " + COVECTOR_SOURCE_DIR + "/tests/weights/official.py " + job + " " +
                   network + " " + checkouts_ + " " + folder.path().string() + " " + file,
               folder);
  }

 private:
  Official(std::string python, std::string checkouts)
      : python_(std::move(python)), checkouts_(std::move(checkouts)) {}
  std::string python_, checkouts_;
};

/// The program with its plug-ins, and a recipe of one network; its data and method do not matter.
struct Network {
  explicit Network(const std::string& backbone)
      : recipe{parse_toml("kind = \"pretrain\"\n[dataset]\ntype = \"toy\"\n[method]\ntype = "
                          "\"toy\"\n[backbone]\n" +
                              backbone,
                          "network.toml"),
               "network.toml",
               {}} {
    add_toy_parts(registries);
  }

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

// Entries of what the authors' code saves. COVER's are 93, 21 of them not of the U-Net, beside two
// that are no tensors and the two parts of an optimiser; U-KAN's 270 with 2 of the head; SwinUNet's
// 238 with 20 buffers and the head; TransUNet's 409 with 2 of the head, less ten layers of 16.
const std::vector<Case> kCases{
    {"unet", "type = \"unet\"\n", 72, 25},
    {"ukan", "type = \"ukan\"\nrepeat3 = true\n", 268, 2},
    {"swinunet", "type = \"swinunet\"\nrepeat3 = true\n", 217, 21},
    {"transunet", "type = \"transunet\"\nimage_size = 64\nlayers = 2\n", 247, 2}};

/// Outputs as the authors' network has them: in float64 to `most`; in float32 to 1e-5, or as far as
/// float32 takes their own network away from its float64. (The norms in TransUNet's shortcuts have
/// 16 pixels a channel and enlarge rounding.)
void check_outputs(Backbone& backbone, const StateDict& saved, double most) {
  const torch::NoGradGuard no_grad;
  const auto check = [&](const std::string& what, const at::Tensor& got, const std::string& type) {
    INFO(what << " " << type);
    const auto expected = saved.at(what + ".torch.float64");
    const auto rounding = max_gap(saved.at(what + ".torch.float32"), expected);
    CHECK(max_gap(got, expected) < (type == "float64" ? most : std::max(1e-5, 2 * rounding)));
  };
  for (const auto& [word, type] :
       {std::pair("float32", torch::kFloat32), std::pair("float64", torch::kFloat64)}) {
    backbone.to(type);
    const auto image = saved.at("image").to(type);
    check("encoded", backbone.encode(image), word);
    if (saved.count("finest.torch.float64")) check("finest", backbone.pyramid(image).back(), word);
  }
}

}  // namespace

TEST_CASE("weights of the authors' networks come in, and go out to them", "[official][slow]") {
  const auto official = Official::find();
  if (!official) return;
  for (const auto& item : kCases) {
    INFO(item.name);
    const ScratchFolder folder;
    official->run("make", item.name, folder);
    Network network(item.backbone);
    const auto weights = folder / "weights.h5";
    const auto report = network.import(folder / (item.name + ".pth"), weights);
    CHECK(report.matched.size() == item.matched);
    CHECK(report.ignored.size() == item.ignored);
    const auto saved = read_weights(folder / (item.name + ".io.pth")).groups.at(0).tensors;
    check_outputs(*network.loaded(weights), saved, 1e-9);

    for (const auto* suffix : {".pt", ".safetensors"}) {
      const auto file = folder / (std::string("exported") + suffix);
      export_weights(weights, file, network.registries, network.loader,
                     [](const std::string& text) { FAIL(text); });
      official->run("check", item.name, folder, file.string());
    }
  }
}

TEST_CASE("TransUNet's weights of ImageNet-21k come in as its load_from() takes them",
          "[official][slow]") {
  const auto official = Official::find();
  if (!official) return;
  const ScratchFolder folder;
  official->run("make", "transunet-npz", folder);
  Network network("type = \"transunet\"\nimage_size = 96\nlayers = 2\n");
  const auto report =
      network.import(folder / "transunet-npz.npz", folder / "weights.h5", /*encoder=*/true);
  CHECK(report.fits());
  CHECK(report.ignored.size() == 3);  // cls, head/kernel, head/bias
  // They resize the positions in float32, and so does the import.
  check_outputs(*network.loaded(folder / "weights.h5"),
                read_weights(folder / "transunet-npz.io.pth").groups.at(0).tensors, 1e-6);
}
