#include "support/catch.h"

#include "protocol.h"
#include "support/scratch_folder.h"

using namespace covector;
using covector::testing::ScratchFolder;

TEST_CASE("what a cell was made under, from its folders", "[protocol]") {
  const ScratchFolder folder;
  folder.write("run/recipe.toml",
               "kind = \"adapt\"\nseed = 3\n[pretrained]\nrun = \"pretrain/cover\"\n"
               "[dataset]\ntype = \"toy\"\nroot = \"/data\"\n[task]\ncrop = [64, 64]\n"
               "[loop]\nsteps = 200\nthreads = 2\nlog_every = 10\n");
  folder.write("run/environment.json",
               R"({"dataset_fingerprint": "f00d", "precision": "float32", "host": "here"})");
  folder.write("run/plugins.json",
               R"([{"name": "unet", "version": "0.1.0", "bytes": 812, "file": "/lib/unet.so"}])");
  folder.write("pretrain/recipe.toml",
               "kind = \"pretrain\"\n[dataset]\ntype = \"xray\"\n[method]\ntype = \"cover\"\n"
               "radius = 2\ncrop = [384, 384]\n[loop]\nsteps = 900\nbatch = 24\nthreads = 8\n");
  folder.write("pretrain/environment.json", R"({"dataset_fingerprint": "beef"})");
  folder.write("pretrain/status.json", R"({"state": "finished", "step": 900, "steps": 900})");
  const Protocol own{{"dataset_fingerprint", "f00d"},
                     {"precision", "float32"},
                     {"plug-in unet", "0.1.0 of 812 bytes"},
                     {"dataset.type", "\"toy\""},
                     {"task.crop", "64"},
                     {"loop.steps", "200"}};
  auto both = own;
  both.insert({{"pretraining dataset_fingerprint", "beef"},
               {"pretraining dataset.type", "\"xray\""},
               {"pretraining method.crop", "384"},
               {"pretraining loop.steps", "900"},
               {"pretraining loop.batch", "24"}});
  CHECK(read_protocol(folder / "run", folder / "pretrain") == both);
  // What trains nothing has none.
  folder.write("pretrain/status.json", R"({"state": "finished", "step": 0, "steps": 0})");
  CHECK(read_protocol(folder / "run", folder / "pretrain") == own);
  CHECK(read_protocol(folder / "run", folder / "nowhere") == own);
}

TEST_CASE("protocols differ from what most have", "[protocol]") {
  using Words = std::vector<std::string>;
  // steps: 400 twice, 200 once; data: one each, and the first counts; a name that one has alone is
  // no difference
  const auto found = differences({{{"loop.steps", "400"}, {"data", "a"}},
                                  {{"loop.steps", "200"}, {"data", "b"}, {"build", "x"}},
                                  {{"loop.steps", "400"}}});
  REQUIRE(found.size() == 3);
  CHECK(found[0].empty());
  CHECK(found[1] == Words{"data: b, others a", "loop.steps: 200, others 400"});
  CHECK(found[2].empty());
  CHECK(differences({}).empty());
}
