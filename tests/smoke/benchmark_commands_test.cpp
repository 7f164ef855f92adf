#include "support/catch.h"

#include "smoke/smoke_run.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

using namespace covector::testing;
using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const Words kOneSeed{"-s", "benchmark.seeds=[0]"};

/// A benchmark that ran to its end, made once.
const fs::path& whole() {
  static const ScratchFolder folder;
  static const fs::path output = folder / "run";
  static const auto finished = run_to_end(smoke_recipe("benchmark"), output, kOneSeed);
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  return output;
}

std::vector<std::string> states_in(const fs::path& output) {
  const auto status = run_program({"benchmark", "status", output.string(), "--json"});
  INFO(status.error);
  REQUIRE(status.code == 0);
  std::vector<std::string> states;
  for (const auto& cell : json::parse(status.output)) states.push_back(cell.at("state"));
  return states;
}

/// A benchmark of a cover that takes 60 steps, and of one that takes 10, and a task.
fs::path write_longer(const ScratchFolder& folder) {
  folder.write("long.toml", "extends = \"" + smoke_recipe("cover").string() +
                                "\"\n[loop]\nsteps = 60\ncheckpoint_every = 20\n");
  return folder.write("all.toml",
                      "kind = \"benchmark\"\n[benchmark]\npretrain = [\"long.toml\", \"" +
                          smoke_recipe("cover").string() + "\"]\nadapt = [\"" +
                          smoke_recipe("segment").string() + "\"]\nseeds = [0]\n");
}

}  // namespace

TEST_CASE("a benchmark killed at random moments ends with the same table", "[smoke][resume]") {
  const ScratchFolder folder;
  std::mt19937_64 random(20261201);
  std::uniform_int_distribution<int> moment(300, 3000);
  auto words = kOneSeed;
  words.insert(words.end(), {"--jobs", "2"});
  for (int kills = 0; kills < 3; ++kills) {
    auto process = start_run(smoke_recipe("benchmark"), folder / "run", words);
    std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));
    process.send(SIGKILL);
    process.wait();
  }
  const auto finished = run_to_end(smoke_recipe("benchmark"), folder / "run", words);
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  CHECK(text_of(folder / "run/table.json") == text_of(whole() / "table.json"));
  CHECK(states_in(folder / "run") == std::vector<std::string>(4, "done"));
}

TEST_CASE("a benchmark stopped by a signal has stopped its cells", "[smoke]") {
  const ScratchFolder folder;
  const auto run = folder / "run";
  auto process = start_run(write_longer(folder), run, {"--no-estimate"});
  while (!process.has_ended() && !fs::exists(run / "pretrain/long/log.jsonl"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  process.send(SIGINT);
  const auto finished = process.wait();
  INFO(finished.output << finished.error);
  CHECK(finished.code == 130);
  CHECK_FALSE(checkpoints_of(run / "pretrain/long").empty());
  CHECK(states_in(run) ==
        std::vector<std::string>{"stopped", "not begun", "not begun", "not begun"});
}

TEST_CASE("the status and the table of a benchmark, from its folder", "[smoke]") {
  const auto status = run_program({"benchmark", "status", whole().string()});
  INFO(status.output << status.error);
  CHECK(status.code == 0);
  CHECK_THAT(status.output, StartsWith("cell                          state  step\n") &&
                                Contains("adapt/cover/segment/seed-0    done   10/10\n") &&
                                Contains("4 of 4 cells done\n"));
  for (const auto* format : {"markdown", "csv", "latex", "html"}) {
    const auto table = run_program({"benchmark", "table", whole().string(), "--format", format});
    INFO(table.error);
    CHECK(table.code == 0);
    CHECK_THAT(table.output, Contains("cover") && Contains("segment"));
  }
  const auto table = run_program({"benchmark", "table", whole().string(), "--json"});
  CHECK(table.output == text_of(whole() / "table.json"));

  const auto by_recipe = run_program({"benchmark", "status", smoke_recipe("benchmark").string(),
                                      "--output", whole().string(), "-s", kOneSeed[1]});
  CHECK(by_recipe.output == status.output);
}

TEST_CASE("a benchmark begins with an estimate from a short probe", "[smoke]") {
  const ScratchFolder folder;
  const auto recipe = write_longer(folder);
  const auto run = folder / "run";
  const auto finished = run_to_end(recipe, run, {"--only", "pretrain/*"});
  INFO(finished.output << finished.error);
  CHECK(finished.code == 0);
  CHECK_THAT(finished.output,
             Contains("2 rows x 1 column x 1 seed, 4 cells: 4 not begun\n"
                      "  to run now: 2 cells, 1 job\n"
                      "  measuring pretrain/long for the estimate\n"
                      "  estimate, from a few steps, cases and a checkpoint: about ") &&
                 Contains(" of memory, ") && Contains(" of disk\n  not in an estimate: 1 cell\n"));
  for (const auto& entry : fs::directory_iterator(run))
    CHECK_FALSE(entry.path().filename().string().starts_with(".probe"));

  const auto probe = run_program({"benchmark", "probe", recipe.string(), "--output", run.string(),
                                  "--device", "cpu", "--cell", "adapt/cover/segment/seed-0"});
  INFO(probe.error);
  REQUIRE(probe.code == 0);
  const auto cost = json::parse(probe.output);
  CHECK(cost["steps"] == 10);
  CHECK(cost["checkpoints"] == 3);  // after 4, 8 and 10 steps
  CHECK(cost["validations"] == 2);  // after 5 and 10
  for (const auto* name : {"seconds_a_step", "seconds_a_checkpoint", "seconds_a_validation",
                           "seconds_to_test", "memory_mib", "disk_mib"})
    CHECK(cost[name] > 0.0);
}

TEST_CASE("what is wrong with the words of a benchmark's commands is told", "[smoke][errors]") {
  const auto refused = [](const Words& words, const std::string& what, int code = 2) {
    const auto finished = run_program(words);
    CHECK(finished.code == code);
    CHECK_THAT(finished.error, StartsWith("covector: error: " + what));
  };
  const auto cover = smoke_recipe("cover").string();
  const auto benchmark = smoke_recipe("benchmark").string();
  refused({"run", cover, "--jobs", "2"},
          "--jobs is for recipes of kind benchmark, and " + cover + " is of another\n");
  refused({"run", benchmark, "--gpus", "one"}, "--gpus takes numbers, as in 0,1; got 'one'\n");
  refused({"run", benchmark, "--only", "pretrain/covr"},
          "--only: 'pretrain/covr' fits no cell; did you mean 'pretrain/cover'?\n");
  refused({"benchmark", "stat"},
          "covector benchmark: unknown command 'stat'; did you mean 'status'?\n");
  refused({"benchmark", "status"}, "covector benchmark status: FOLDER|RECIPE is missing");
  refused({"benchmark", "table", "/no/folder"}, "there is no /no/folder/plan.json, so this is ", 1);
  refused({"benchmark", "table", whole().string(), "--format", "word"},
          "there is no format 'word' of tables; there are ");
}
