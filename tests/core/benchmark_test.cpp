#include "support/catch.h"

#include "benchmark.h"
#include "run_folder.h"
#include "support/toy_runs.h"

#include <nlohmann/json.hpp>

#include <csignal>

using namespace covector;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
using covector::testing::ToyProgram;
namespace fs = std::filesystem;

namespace {

/// Writes the recipes of a benchmark; `options` goes into [benchmark].
Recipe write_benchmark(const fs::path& folder, const std::string& options) {
  const std::string common = "[dataset]\ntype = \"toy\"\n[backbone]\ntype = \"toy\"\n";
  const std::string loop = "[loop]\nsteps = 2\nbatch = 2\n";
  std::ofstream(folder / "none.toml")
      << "kind = \"pretrain\"\n" + common + "[method]\ntype = \"scratch\"\n";
  std::ofstream(folder / "toy.toml")
      << "kind = \"pretrain\"\n" + common + "[method]\ntype = \"toy\"\n" + loop;
  std::ofstream(folder / "organs.toml")
      << "kind = \"adapt\"\n" + common + "[task]\ntype = \"toy\"\n" + loop;
  std::ofstream(folder / "all.toml")
      << "kind = \"benchmark\"\n[benchmark]\npretrain = [\"none.toml\", \"toy.toml\"]\n"
         "adapt = [\"organs.toml\"]\n" +
             options;
  return load_recipe(folder / "all.toml");
}

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

TEST_CASE("a benchmark runs, resumes where it was stopped, and writes its table", "[benchmark]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = write_benchmark(folder.path(), "seeds = [0, 1]\nbaseline = \"none\"");
  const auto output = folder.path() / "out";
  int number = 0;
  covector::testing::before_toy_step() = [&](std::int64_t) {
    if (++number == 5) std::raise(SIGTERM);
  };
  CHECK(program.run(recipe, output) == 143);
  covector::testing::before_toy_step() = nullptr;
  CHECK_FALSE(fs::exists(output / "table.json"));
  CHECK(program.run(recipe, output) == 0);
  CHECK(program.out.str().find("[1/6] pretraining none, seed 0\n") != std::string::npos);
  CHECK(program.out.str().find("[6/6] toy on organs, seed 1\n") != std::string::npos);
  CHECK(program.out.str().find(text_of(output / "table.md")) != std::string::npos);
  const auto table = nlohmann::json::parse(text_of(output / "table.json"));
  // 2 rows, 2 metrics
  CHECK(table.at("entries").size() == 4);
  CHECK(table.at("entries")[3].at("against_baseline").at("cases") == 3);

  // everything is finished now: nothing is computed again
  const auto log = fs::last_write_time(output / "adapt/toy/organs/seed-1/log.jsonl");
  CHECK(program.run(recipe, output) == 0);
  CHECK(fs::last_write_time(output / "adapt/toy/organs/seed-1/log.jsonl") == log);
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
