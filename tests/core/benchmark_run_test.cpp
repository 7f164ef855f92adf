#include "support/catch.h"

#include "benchmark_run.h"

#include "benchmark_files.h"
#include "benchmark_table.h"
#include "cell_choice.h"
#include "cell_state.h"
#include "core/toy_benchmark.h"
#include "run_folder.h"
#include "support/process.h"

#include <nlohmann/json.hpp>

#include <csignal>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// A benchmark of toys: none and toy, pretrained, then organs with seeds 0 and 1 on each.
class Toys {
 public:
  explicit Toys(const std::string& options = "seeds = [0, 1]\nbaseline = \"none\"\n") {
    write_benchmark(folder_.path(), options, "steps = 6\nbatch = 2\ncheckpoint_every = 2\n");
  }
  fs::path output(const std::string& name = "out") const { return folder_ / name; }
  void let(const Mishaps& mishaps) const { write_mishaps(folder_.path(), mishaps); }
  BenchmarkRequest request(int jobs = 1, const std::string& name = "out") const {
    return toy_request(folder_.path(), output(name), jobs);
  }
  int run(const BenchmarkRequest& request) {
    program_.out.str("");
    return run_benchmark(request, program_.registries, program_.loader, program_.out);
  }
  int run(int jobs = 1, const std::string& name = "out") { return run(request(jobs, name)); }
  Process start(int jobs, const std::string& name = "out") const {
    const auto words = toy_benchmark_words(folder_.path(), output(name), jobs);
    return Process(words.front(), {words.begin() + 1, words.end()}, {});
  }
  std::string said() const { return program_.out.str(); }
  std::vector<std::string> begun() const { return begun_cells(folder_.path()); }
  std::string table(const std::string& name = "out") const {
    return text_of(output(name) / "table.json");
  }
  ToyProgram& program() { return program_; }
  const ScratchFolder& folder() const { return folder_; }

 private:
  ScratchFolder folder_;
  ToyProgram program_;
};

const std::vector<std::string> kTrained{"adapt/none/organs/seed-0", "adapt/none/organs/seed-1",
                                        "adapt/toy/organs/seed-0", "adapt/toy/organs/seed-1",
                                        "pretrain/toy"};  // pretrain/none has no step to begin

/// table.json of a benchmark that nothing happened to, made once.
const std::string& whole_table() {
  static Toys toys;
  static const int code = toys.run();
  REQUIRE(code == 0);
  static const auto table = toys.table();
  return table;
}

/// Cells that are not done, as [cell, state, reason].
std::vector<std::vector<std::string>> undone(const fs::path& output) {
  const auto plan = read_plan_file(output);
  const auto states = states_of(plan);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < states.size(); ++i)
    if (states[i].stage != CellStage::done)
      rows.push_back({plan.cells[i].name, to_string(states[i].stage), states[i].reason});
  return rows;
}

}  // namespace

TEST_CASE("a benchmark prints its plan, runs, and writes its table", "[benchmark]") {
  Toys toys;
  CHECK(toys.run() == 0);
  CHECK_THAT(toys.said(),
             StartsWith((toys.folder() / "all.toml").string() + " in " + toys.output().string() +
                        ": 2 rows x 1 column x 2 seeds, 6 cells: 6 not begun\n"
                        "  to run now: 6 cells, 1 job\n"
                        "[1/6] pretrain/none\n"));
  CHECK_THAT(toys.said(), Contains("[6/6] adapt/toy/organs/seed-1\n"));
  CHECK_THAT(toys.said(), Contains(text_of(toys.output() / "table.md")));
  CHECK(toys.begun() == kTrained);
  const auto table = json::parse(toys.table());
  REQUIRE(table.at("entries").size() == 4);  // 2 rows, 2 metrics
  CHECK(table.at("entries")[3].at("against_baseline").at("cases") == 3);

  // everything is done now: nothing is begun again
  CHECK(toys.run() == 0);
  CHECK_THAT(toys.said(), Contains("6 cells: 6 done\n  to run now: 0 cells, 1 job\n"));
  CHECK(toys.begun() == kTrained);
}

TEST_CASE("rows of several backbones are compared with their own baseline", "[benchmark]") {
  Toys toys("seeds = [0]\nbaseline = \"none\"\nbackbones = [\"narrow.toml\", \"wide.toml\"]\n");
  for (const auto* name : {"narrow.toml", "wide.toml"})
    toys.folder().write(name, "[backbone]\ntype = \"toy\"\n");
  CHECK(toys.run(2) == 0);
  CHECK_THAT(toys.said(), Contains(": 2 rows x 2 backbones x 1 column x 1 seed, 8 cells"));
  const auto table = json::parse(toys.table());
  REQUIRE(table.at("entries").size() == 8);  // 4 rows, 2 metrics
  for (const auto& entry : table.at("entries"))
    CHECK(entry.contains("against_baseline") == (entry.at("pretraining") == "toy"));
  CHECK(table.at("entries")[0].at("backbone") == "narrow");
  CHECK(table.at("entries")[7].at("backbone") == "wide");
  const auto markdown = text_of(toys.output() / "table.md");
  for (const auto* row : {"narrow, none", "narrow, toy", "wide, none", "wide, toy"})
    CHECK_THAT(markdown, Contains("\n| " + std::string(row) + " |"));
}

TEST_CASE("two jobs give the table of one", "[benchmark]") {
  Toys toys;
  CHECK(toys.run(1, "one") == 0);
  CHECK(toys.run(2, "two") == 0);
  CHECK_THAT(toys.said(), Contains("  to run now: 6 cells, 2 jobs\n") &&
                              Contains("[2/6] pretrain/toy: done in "));
  CHECK(toys.table("two") == toys.table("one"));
  // what cells that run side by side print is in their folders
  CHECK(fs::exists(toys.output("two") / "adapt/toy/organs/seed-0/output.txt"));
}

TEST_CASE("a cell that fails stops no other, and is told with its reason", "[benchmark]") {
  Toys toys;
  toys.let({"adapt/none/organs/seed-0 3 throw", "adapt/toy/organs/seed-1 2 kill"});
  CHECK(toys.run(2) == 1);
  CHECK_THAT(toys.said(),
             Contains("failed: adapt/none/organs/seed-0: a mishap\n"
                      "failed: adapt/toy/organs/seed-1: ended by signal 9 (Killed); where memory "
                      "is short, fewer --jobs or a smaller batch help\n"
                      "the same command again runs what is missing\n"));
  CHECK(undone(toys.output()) ==
        std::vector<std::vector<std::string>>{
            {"adapt/none/organs/seed-0", "failed", "a mishap"},
            {"adapt/toy/organs/seed-1", "failed",
             "ended by signal 9 (Killed); where memory is short, fewer --jobs or a smaller batch "
             "help"}});
  CHECK(json::parse(toys.table()).at("entries").size() == 4);

  toys.let({});
  CHECK(toys.run(2) == 0);
  CHECK_THAT(toys.said(), Contains("6 cells: 2 failed, 4 done\n  to run now: 2 cells, 2 jobs\n"));
  CHECK(undone(toys.output()).empty());
  CHECK(toys.table() == whole_table());
}

TEST_CASE("what builds on a pretraining that failed is blocked", "[benchmark]") {
  Toys toys;
  toys.let({"pretrain/toy 1 throw"});
  CHECK(toys.run() == 1);
  CHECK_THAT(toys.said(),
             Contains("failed: pretrain/toy: a mishap\n"
                      "blocked: adapt/toy/organs/seed-0: builds on pretrain/toy, which failed\n"
                      "blocked: adapt/toy/organs/seed-1: builds on pretrain/toy, which failed\n"));
  CHECK(undone(toys.output()) ==
        std::vector<std::vector<std::string>>{
            {"pretrain/toy", "failed", "a mishap"},
            {"adapt/toy/organs/seed-0", "blocked", "pretrain/toy failed"},
            {"adapt/toy/organs/seed-1", "blocked", "pretrain/toy failed"}});
  // and on its own it is refused
  const auto request = toys.request().run;
  CHECK_THROWS_WITH(run_cell(request, "adapt/toy/organs/seed-0", toys.program().registries,
                             toys.program().loader, toys.program().out),
                    "adapt/toy/organs/seed-0 builds on pretrain/toy, which is failed (a mishap); "
                    "run that first");
}

TEST_CASE("some of the cells", "[benchmark]") {
  Toys toys;
  auto request = toys.request();
  request.only = {"pretrain/*", "*seed-1"};
  request.skip = {"*/none/*"};
  CHECK(toys.run(request) == 0);
  CHECK_THAT(toys.said(), Contains("  to run now: 3 cells, 1 job\n"));
  CHECK(toys.begun() == std::vector<std::string>{"adapt/toy/organs/seed-1", "pretrain/toy"});

  request.only = {"adapt/*"};
  request.skip = {"adapt/toy/*"};
  fs::remove_all(toys.output() / "pretrain/none");
  CHECK(toys.run(request) == 1);
  CHECK_THAT(toys.said(), Contains("blocked: adapt/none/organs/seed-0: builds on pretrain/none, "
                                   "which is not done and was left out\n"));
}

TEST_CASE("a pattern that fits no cell is refused with what is near", "[benchmark][errors]") {
  Toys toys;
  auto request = toys.request();
  request.only = {"adapt/toy/organ/seed-0"};
  CHECK_THROWS_WITH(toys.run(request),
                    "--only: 'adapt/toy/organ/seed-0' fits no cell; did you "
                    "mean 'adapt/toy/organs/seed-0'?");
  request.only = {};
  request.skip = {"byol"};
  CHECK_THROWS_WITH(toys.run(request),
                    "--skip: 'byol' fits no cell; known: pretrain/none, pretrain/toy, "
                    "adapt/none/organs/seed-0, adapt/none/organs/seed-1, adapt/toy/organs/seed-0, "
                    "adapt/toy/organs/seed-1");
  request.skip = {"*"};
  CHECK_THROWS_WITH(toys.run(request), "--only and --skip leave no cell to run");
  CHECK_THROWS_WITH(run_cell(request.run, "pretrain/toi", toys.program().registries,
                             toys.program().loader, toys.program().out),
                    "there is no cell 'pretrain/toi'; did you mean 'pretrain/toy'?");
}

TEST_CASE("threads and GPUs are shared among jobs", "[benchmark]") {
  const auto shares = [](int jobs, std::vector<int> gpus, int threads,
                         std::string device = "auto") {
    BenchmarkRequest request;
    request.run.device = std::move(device);
    request.run.threads = threads;
    request.jobs = jobs;
    request.gpus = std::move(gpus);
    std::vector<std::pair<std::string, int>> out;
    for (const auto& share : shares_of(request, 8)) out.emplace_back(share.device, share.threads);
    return out;
  };
  using Pairs = std::vector<std::pair<std::string, int>>;
  CHECK(shares(0, {}, 0) == Pairs{{"auto", 0}});
  CHECK(shares(3, {}, 0, "cpu") == Pairs{{"cpu", 2}, {"cpu", 2}, {"cpu", 2}});
  CHECK(shares(3, {}, 2) == Pairs{{"auto", 1}, {"auto", 1}, {"auto", 1}});
  CHECK(shares(0, {1, 3}, 0) == Pairs{{"cuda:1", 4}, {"cuda:3", 4}});
  CHECK(shares(4, {1, 3}, 0) == Pairs{{"cuda:1", 2}, {"cuda:3", 2}, {"cuda:1", 2}, {"cuda:3", 2}});
  CHECK_THROWS_WITH(shares(1, {0, 1}, 0), "--jobs 1 leaves some of 2 GPUs without work");
  CHECK_THROWS_WITH(shares(0, {0}, 0, "cpu"), "--gpus and --device cannot both be given");
  CHECK_THROWS_WITH(shares(-1, {}, 0), "--jobs must be at least 1");
}

TEST_CASE("a signal stops the cells after their checkpoints, and the same again goes on",
          "[benchmark]") {
  Toys toys;
  toys.let({"pretrain/toy 3 stop-parent", "pretrain/toy 0 slow"});
  CHECK(toys.run(2) == 143);
  CHECK_FALSE(fs::exists(toys.output() / "table.json"));
  const auto status = read_status(toys.output() / "pretrain/toy");
  CHECK(status.state == "stopped");
  CHECK(status.step >= 3);
  CHECK_FALSE(owner_of(toys.output() / "pretrain/toy"));
  toys.let({});
  CHECK(toys.run(2) == 0);
  CHECK_THAT(text_of(toys.output() / "pretrain/toy/log.jsonl"), Contains("\"step\":6"));
}

TEST_CASE("two processes share the cells, and none is run twice", "[benchmark]") {
  Toys toys;
  toys.let({"pretrain/toy 0 slow", "adapt/none/organs/seed-0 0 slow",
            "adapt/none/organs/seed-1 0 slow", "adapt/toy/organs/seed-0 0 slow",
            "adapt/toy/organs/seed-1 0 slow"});
  auto first = toys.start(1);
  auto second = toys.start(1);
  const auto a = first.wait(), b = second.wait();
  INFO(a.output << a.error << "\n" << b.output << b.error);
  CHECK(a.code == 0);
  CHECK(b.code == 0);
  CHECK(undone(toys.output()).empty());
  CHECK(toys.begun() == kTrained);
  CHECK_THAT(a.output + b.output, Contains("running elsewhere by "));
  CHECK(toys.table() == whole_table());
}

TEST_CASE("a benchmark killed anywhere and begun again ends with the same table", "[benchmark]") {
  // the parent, a cell, both; in pretraining, in fine-tuning, while a case is measured
  const auto mishaps =
      GENERATE(Mishaps{"pretrain/toy 3 kill-parent", "adapt/none/organs/seed-1 1 kill-both"},
               Mishaps{"pretrain/toy 5 kill-both", "adapt/toy/organs/seed-0 7 kill-both"},
               Mishaps{"adapt/none/organs/seed-0 4 kill", "adapt/toy/organs/seed-1 0 kill-parent"});
  Toys toys;
  toys.let(mishaps);
  std::string said;
  int code = 1, times = 0;
  while (code != 0) {
    REQUIRE(++times < 5);
    const auto finished = toys.start(2).wait();
    code = finished.code;
    said += finished.output + finished.error + "-> " + std::to_string(code) + "\n";
  }
  INFO(said);
  CHECK(times > 1);
  CHECK(undone(toys.output()).empty());
  CHECK(toys.table() == whole_table());
}

TEST_CASE("a done cell of another recipe is refused before anything is run",
          "[benchmark][errors]") {
  Toys toys;
  REQUIRE(toys.run() == 0);
  toys.folder().write("organs.toml", text_of(toys.folder() / "organs.toml") + "log_every = 3\n");
  CHECK_THROWS_WITH(toys.run(),
                    Contains("adapt/none/organs/seed-0 holds a run of another recipe:") &&
                        Contains("loop.log_every: 10 there, 3 now"));
}

TEST_CASE("plan.json alone says what a benchmark is, also where it was moved", "[benchmark]") {
  Toys toys;
  REQUIRE(toys.run() == 0);
  fs::rename(toys.output(), toys.output("moved"));
  const auto plan = read_plan_file(toys.output("moved"));
  CHECK(plan.baseline == "none");
  REQUIRE(plan.cells.size() == 6);
  const auto& last = plan.cells.back();
  CHECK(last.name == "adapt/toy/organs/seed-1");
  CHECK(last.folder == toys.output("moved") / last.name);
  CHECK(to_toml(*last.recipe.table.find("pretrained")) ==
        "{ run = \"" + (toys.output("moved") / "pretrain/toy").string() + "\" }");
  CHECK(to_toml(*last.recipe.table.find("seed")) == "1");
  // the table is made again from the cells
  const auto table = toys.table("moved");
  fs::remove(toys.output("moved") / "table.json");
  update_table(toys.output("moved"), toys.program().registries, toys.program().loader);
  CHECK(toys.table("moved") == table);

  CHECK_THROWS_WITH(read_plan_file("/no/folder"),
                    "there is no /no/folder/plan.json, so this is no folder of a benchmark that "
                    "has begun; name one, or its recipe");
}
