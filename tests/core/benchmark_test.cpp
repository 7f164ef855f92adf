#include "support/catch.h"

#include "benchmark.h"
#include "core/toy_benchmark.h"

using namespace covector;
using covector::testing::ScratchFolder;
using covector::testing::ToyProgram;
using covector::testing::write_benchmark;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> folders(const BenchmarkPlan& plan) {
  std::vector<std::string> out;
  for (const auto& cell : plan.cells) out.push_back(cell.folder.string());
  return out;
}

}  // namespace

TEST_CASE("the cells of a benchmark", "[benchmark]") {
  const ScratchFolder folder;
  const auto shared =
      plan_benchmark(write_benchmark(folder.path(), "seeds = [4, 5]\nbaseline = \"none\""), "out");
  CHECK(shared.baseline == "none");
  CHECK(folders(shared) ==
        std::vector<std::string>{"out/pretrain/none", "out/pretrain/toy",
                                 "out/adapt/none/organs/seed-4", "out/adapt/none/organs/seed-5",
                                 "out/adapt/toy/organs/seed-4", "out/adapt/toy/organs/seed-5"});
  CHECK(shared.cells.back().name == "adapt/toy/organs/seed-5");
  CHECK(shared.cells.back().builds_on == "pretrain/toy");
  CHECK(shared.find("pretrain/toy")->builds_on.empty());
  CHECK(shared.find("pretrain/toys") == nullptr);
  const auto& last = shared.cells.back().recipe.table;
  CHECK(to_toml(*last.find("seed")) == "5");
  CHECK(to_toml(*last.find("pretrained")) == "{ run = \"out/pretrain/toy\" }");
  CHECK(to_toml(*shared.cells[1].recipe.table.find("seed")) == "4");

  const auto each = plan_benchmark(
      write_benchmark(folder.path(), "seeds = [4, 5]\npretraining = \"per-seed\""), "out");
  CHECK(folders(each) ==
        std::vector<std::string>{"out/pretrain/none/seed-4", "out/pretrain/none/seed-5",
                                 "out/pretrain/toy/seed-4", "out/pretrain/toy/seed-5",
                                 "out/adapt/none/organs/seed-4", "out/adapt/none/organs/seed-5",
                                 "out/adapt/toy/organs/seed-4", "out/adapt/toy/organs/seed-5"});
  CHECK(to_toml(*each.cells.back().recipe.table.find("pretrained")) ==
        "{ run = \"out/pretrain/toy/seed-5\" }");
}

TEST_CASE("a benchmark of several backbones puts each on top of every recipe", "[benchmark]") {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "narrow.toml") << "[backbone]\ntype = \"toy\"\n[loop]\nbatch = 1\n";
  std::ofstream(folder.path() / "wide.toml") << "[backbone]\ntype = \"toy\"\n";
  const auto recipe = write_benchmark(folder.path(),
                                      "seeds = [0, 1]\nbaseline = \"none\"\n"
                                      "backbones = [\"narrow.toml\", \"wide.toml\"]\n");
  const auto plan = plan_benchmark(recipe, "out");
  CHECK(folders(plan) ==
        std::vector<std::string>{
            "out/pretrain/none/narrow", "out/pretrain/toy/narrow", "out/pretrain/none/wide",
            "out/pretrain/toy/wide", "out/adapt/none/narrow/organs/seed-0",
            "out/adapt/none/narrow/organs/seed-1", "out/adapt/toy/narrow/organs/seed-0",
            "out/adapt/toy/narrow/organs/seed-1", "out/adapt/none/wide/organs/seed-0",
            "out/adapt/none/wide/organs/seed-1", "out/adapt/toy/wide/organs/seed-0",
            "out/adapt/toy/wide/organs/seed-1"});
  const auto loop = [&](std::size_t cell) {
    return to_toml(*plan.cells[cell].recipe.table.find("loop"));
  };
  CHECK(loop(1) == "{ steps = 2, batch = 1 }");
  CHECK(loop(3) == "{ steps = 2, batch = 2 }");
  CHECK(loop(4) == "{ steps = 2, batch = 1 }");
  CHECK(to_toml(*plan.cells.back().recipe.table.find("pretrained")) ==
        "{ run = \"out/pretrain/toy/wide\" }");
}

TEST_CASE("what is wrong with a benchmark's backbones is told", "[benchmark][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto check = [&](const std::string& text) {
    std::ofstream(folder.path() / "network.toml") << text;
    check_recipe(write_benchmark(folder.path(), "backbones = [\"network.toml\"]"),
                 program.registries, program.loader, program.out);
  };
  CHECK_NOTHROW(check("[backbone]\ntype = \"toy\"\n"));
  CHECK_THROWS_WITH(check("[loop]\nsteps = 1\n"),
                    "[benchmark] backbones: " + (folder.path() / "network.toml").string() +
                        " has no [backbone] table");
  CHECK_THROWS_WITH(check("kind = \"pretrain\"\n[backbone]\ntype = \"toy\"\n"),
                    "[benchmark] backbones: " + (folder.path() / "network.toml").string() +
                        " is of kind pretrain; needs one without 'kind', to be put on top of all "
                        "others");
  // Told once, though it is on top of every recipe.
  CHECK_THROWS_WITH(check("[backbone]\ntype = \"toys\"\n"),
                    "[backbone] is not valid:\n  " + (folder.path() / "network.toml").string() +
                        ":2:8: unknown backbone 'toys'; did you mean 'toy'?");
}

TEST_CASE("what is wrong with a benchmark or its recipes is told", "[benchmark][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto check = [&](const std::string& options) {
    check_recipe(write_benchmark(folder.path(), options), program.registries, program.loader,
                 program.out);
  };
  CHECK_NOTHROW(check(""));
  CHECK(program.out.str().find("all.toml: a valid recipe of kind benchmark, 8 runs\n") !=
        std::string::npos);
  CHECK_THROWS_WITH(check("seed = [1]"),
                    Catch::Contains("[benchmark] is not valid:") &&
                        Catch::Contains("unknown option 'seed'; did you mean 'seeds'?"));
  CHECK_THROWS_WITH(check("pretraining = \"each\""),
                    Catch::Contains("'pretraining' must be one of \"shared\", \"per-seed\""));
  CHECK_THROWS_WITH(
      check("baseline = \"scratch\""),
      Catch::Contains("'baseline' = \"scratch\" is none of the recipes of 'pretrain'"));
  // the problems of two recipes at once
  auto recipe = write_benchmark(folder.path(), "");
  for (const auto* file : {"toy.toml", "organs.toml"})
    std::ofstream(folder.path() / file, std::ios::app) << "stops = 3\n";
  CHECK_THROWS_WITH(check_recipe(recipe, program.registries, program.loader, program.out),
                    Catch::Contains("toy.toml:11:9: unknown option 'stops'") &&
                        Catch::Contains("organs.toml:11:9: unknown option 'stops'"));
  // what they share is told once
  std::ofstream(folder.path() / "shared.toml") << "[loop]\nsteps = 0\n";
  for (const auto* file : {"none.toml", "toy.toml", "organs.toml"})
    std::ofstream(folder.path() / file)
        << "extends = \"shared.toml\"\nkind = \""
        << (file == std::string("organs.toml") ? "adapt" : "pretrain")
        << "\"\n[dataset]\ntype = \"toy\"\n[backbone]\ntype = \"toy\"\n"
        << (file == std::string("organs.toml") ? "[task]" : "[method]") << "\ntype = \"toy\"\n";
  CHECK_THROWS_WITH(check_recipe(recipe, program.registries, program.loader, program.out),
                    "[loop] is not valid:\n  " + (folder.path() / "shared.toml").string() +
                        ":2:9: 'steps' must be at least 1");
  recipe.table.set("benchmark", OptionTable{{"pretrain", OptionArray{"organs.toml"}},
                                            {"adapt", OptionArray{"organs.toml"}}});
  CHECK_THROWS_WITH(check_recipe(recipe, program.registries, program.loader, program.out),
                    Catch::Contains("organs.toml is of kind adapt"));
}
