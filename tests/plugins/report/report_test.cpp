#include "support/catch.h"

#include "covector/core/error.h"
#include "plugins/report/made_up_runs.h"
#include "report.h"
#include "support/scratch_folder.h"

#include <nlohmann/json.hpp>

#include <sstream>

namespace covector::report {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::ScratchFolder;

std::string run(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  CHECK(Report(Options{}).run(arguments, out) == 0);
  return out.str();
}

void fail(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  Report(Options{}).run(arguments, out);
}

int code_of(const std::vector<std::string>& arguments) {
  try {
    fail(arguments);
  } catch (const Error& error) {
    return error.code();
  }
  return 0;
}

TEST_CASE("covector report writes report.html into the run's folder", "[report]") {
  const ScratchFolder folder;
  const auto run_folder = folder.path() / "cover";
  testing::make_pretrain_run(run_folder, "cover");
  CHECK(run({run_folder.string()}) ==
        "report of 1 run: " + (run_folder / "report.html").string() + "\n");
  CHECK_THAT(testing::text_of(run_folder / "report.html"), Contains("<!doctype html>"));
  // A report is replaced by the next.
  const auto text = run({run_folder.string(), "--json"});
  const auto json = nlohmann::json::parse(text);
  CHECK(json.at("report") == (run_folder / "report.html").string());
  CHECK(json.at("pretrain_runs") == 1);
  CHECK(json.at("bytes") == fs::file_size(run_folder / "report.html"));
  CHECK(json.at("problems").empty());
}

TEST_CASE("covector report puts several runs on one page", "[report]") {
  const ScratchFolder folder;
  testing::make_adapt_run(folder.path() / "a", "", 0, 70);
  testing::make_adapt_run(folder.path() / "b", (folder.path() / "pre").string(), 0, 72);
  const auto page = folder.path() / "both.html";
  run({(folder.path() / "a").string(), (folder.path() / "b").string(),
       (folder.path() / "a").string(), "--output", page.string()});
  CHECK_THAT(testing::text_of(page), Contains("2 of 2 runs finished") &&
                                         Contains("<h1>2 runs</h1>") && Contains("scratch"));
}

TEST_CASE("covector report says how it is used", "[report]") {
  CHECK_THAT(run({"--help"}), Contains("usage: covector report RUN...") && Contains("--output"));
}

TEST_CASE("covector report refuses what it cannot do", "[report][errors]") {
  const ScratchFolder folder;
  const auto path = folder.path().string();
  CHECK_THROWS_WITH(fail({}), "covector report: RUN is missing; see 'covector report --help'");
  CHECK_THROWS_WITH(fail({"a", "b"}),
                    "covector report: several runs need --output FILE.html, the page they go on; "
                    "see 'covector report --help'");
  CHECK_THROWS_WITH(fail({"a", "--ouput", "x"}),
                    "covector report: unknown option '--ouput'; did you mean '--output'?; see "
                    "'covector report --help'");
  CHECK_THROWS_WITH(fail({path}),
                    path +
                        ": is neither a run folder (it holds no recipe.toml) nor a benchmark "
                        "folder (it holds no pretrain/ or adapt/)");
  CHECK(code_of({}) == 2);
  CHECK(code_of({path}) == 4);
  CHECK(code_of({(folder.path() / "nowhere").string()}) == 4);
}

TEST_CASE("covector report overwrites nothing but reports", "[report][errors]") {
  const ScratchFolder folder;
  testing::make_pretrain_run(folder.path() / "run", "cover");
  const auto recipe = (folder.path() / "run/recipe.toml").string();
  const auto before = testing::text_of(recipe);
  CHECK_THROWS_WITH(
      fail({(folder.path() / "run").string(), "-o", recipe}),
      "covector report: " + recipe + " exists and is no report; choose another file with --output");
  CHECK(testing::text_of(recipe) == before);
  const auto nowhere = (folder.path() / "missing/page.html").string();
  CHECK_THROWS_WITH(fail({(folder.path() / "run").string(), "-o", nowhere}),
                    "cannot write " + nowhere + ": No such file or directory");
}

}  // namespace
}  // namespace covector::report
