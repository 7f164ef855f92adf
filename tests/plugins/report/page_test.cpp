#include "support/catch.h"

#include "page.h"
#include "pictures.h"
#include "plugins/report/browser.h"
#include "plugins/report/made_up_runs.h"
#include "support/scratch_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace covector::report {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::body_of;
using testing::count;
using testing::ScratchFolder;

TEST_CASE("a benchmark's page shows the comparison, its curves, pictures and cases", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder.path() / "demo");
  const auto html = page(collect({folder.path() / "demo"}));
  const auto body = body_of(html);
  // Cases 0 to 4 have liver L + i and aorta 60 + i, case 5 only liver L + 5; with L = 76 they
  // average (5 * (76 + 60) / 2 + 10 + 81) / 6. Arms differ by seed in liver alone: 4, 7, 4 points,
  // of which case means see half, but for case 5: (5 / 2 + 1) / 6 = 0.583333.
  // So 2.3333, 4.0833, 2.3333.
  CHECK_THAT(body, Contains("organs: cover reached DSC ") &&
                       Contains("+2.92 points against scratch (95 % interval +0.41 to +5.43 over 3 "
                                "seeds): a gain that seeds alone do not explain."));
  CHECK_THAT(body, Contains("+2.60<br><small>+1.25 to +4.50</small>"));
  CHECK_THAT(body, Contains("6 HD95") || Contains("6 DSC, absent from both prediction and truth"));
  CHECK(count(body, "<canvas data-chart=") == 11);
  // Two of three samples of five pictures; three cases at either end of six, in two arms.
  CHECK(count(body, "<img src=\"data:image/png;base64,") == 10 + 12);
  CHECK_THAT(body, Contains("Further samples, 1 more of this step, are in"));
  CHECK(count(body, "<tr><th scope=\"row\">slice-") == 36);
  CHECK_THAT(body, Contains("title=\"absent from both prediction and truth\""));
  CHECK(html.size() < 3'000'000);
}

TEST_CASE("collapse monitors are drawn, and a reconstruction is named in every table", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder.path() / "demo");
  const auto run = folder.path() / "demo/pretrain/cover";
  testing::write_text(run / "plugins.json",
                      R"([{"name": "cover", "reconstructions": {"cover": "from its abstract"}}])");
  testing::write_text(run / "log.jsonl",
                      testing::text_of(run / "log.jsonl") +
                          R"({"step": 400, "monitor/h/level": 0.25, "monitor/z/level": 0.5})"
                          "\n"
                          R"({"step": 500, "monitor/h/level": 0.125, "monitor/z/std": 0.5})"
                          "\n");
  const auto html = page(collect({folder.path() / "demo"}));
  const auto body = body_of(html);
  CHECK(count(body, "<canvas data-chart=") == 13);  // eleven without monitors
  CHECK_THAT(body, Contains("aria-label=\"Collapse level over the steps: h, z\"") &&
                       Contains("aria-label=\"Embedding spread over the steps: z\""));
  // In the table of means and beside its box.
  CHECK(count(body, "<th scope=\"row\">cover (from its abstract)</th>") == 2);
  CHECK_THAT(body, Contains("<th scope=\"col\" class=\"number\">cover (from its abstract)</th>"));
  CHECK_THAT(body, !Contains("scratch (from"));
}

TEST_CASE("the page asks for nothing from outside", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder.path() / "demo");
  const auto html = page(collect({folder.path() / "demo"}));
  for (const auto* forbidden :
       {"src=\"http", "href=\"http", "src=\"//", "url(", "@import", "<link rel=\"style"})
    CHECK(count(html.substr(0, html.find("Chart.js v")), forbidden) == 0);
  CHECK_THAT(html, Contains("default-src 'none'"));
}

TEST_CASE("hostile names are shown, not obeyed", "[report]") {
  const ScratchFolder folder;
  const auto run = folder.path() / "<b onmouseover=alert(1)>";
  testing::make_adapt_run(run, "</script><script>alert(2)</script>", 0, 70);
  const std::string evil = "\"><script>alert(3)</script>";
  auto metrics = nlohmann::ordered_json::parse(testing::text_of(run / "metrics.json"));
  metrics["cases"][0]["id"] = evil;
  metrics["cases"][1]["values"][0]["label"] = evil;
  metrics["metrics"][0]["unit"] = evil;
  testing::write_text(run / "metrics.json", metrics.dump());
  testing::write_text(run / "log.jsonl",
                      nlohmann::json{{"step", 1}, {"loss", 1}, {"validation/" + evil, 2}}.dump());
  testing::write_text(run / "environment.json", nlohmann::json{{evil, evil}}.dump());
  const auto html = page(collect({run}));
  CHECK(count(html, "<script>alert") == 0);
  CHECK(count(html, "<b onmouseover") == 0);
  // The page's own: the numbers, Chart.js and the page's script.
  CHECK(count(html, "</script>") == 3);
  CHECK_THAT(html, Contains("&lt;b onmouseover=alert(1)&gt;") &&
                       Contains("&quot;&gt;&lt;script&gt;alert(3)&lt;/script&gt;"));
}

TEST_CASE("what is missing or unfinished is said", "[report]") {
  const ScratchFolder folder;
  const auto run = folder.path() / "run";
  testing::make_adapt_run(run, "", 0, 70);
  SECTION("no file but the recipe") {
    for (const auto* name :
         {"status.json", "log.jsonl", "metrics.json", "environment.json", "plugins.json"})
      fs::remove(run / name);
    fs::remove_all(run / "images");
    const auto body = body_of(page(collect({run})));
    for (const auto* name : {"status.json", "log.jsonl", "environment.json", "plugins.json"})
      CHECK_THAT(body, Contains(fmt::format("<li>run: {} is missing</li>", name)));
    CHECK_THAT(body, Contains("run is not started at step 0 of 0") &&
                         Contains("No run of this part has finished") &&
                         Contains("No finished run has drawn its test cases.") &&
                         Contains("No run has logged a number yet."));
  }
  SECTION("a run that failed") {
    testing::write_text(run / "status.json",
                        R"({"state": "failed", "step": 7, "steps": 200, "error": "disk <full>"})");
    const auto body = body_of(page(collect({run})));
    CHECK_THAT(body, Contains("run is failed at step 7 of 200") && Contains("disk &lt;full&gt;"));
  }
  SECTION("damaged files") {
    testing::write_text(run / "recipe.toml", "kind = \"adapt\"\nseed = = 1\n");
    testing::write_text(run / "log.jsonl", "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"lo");
    testing::write_text(run / "plugins.json", "[");
    const auto body = body_of(page(collect({run})));
    CHECK_THAT(body, Contains("recipe.toml:2:") &&
                         Contains("log.jsonl has 1 lines that cannot be read") &&
                         Contains("plugins.json is not complete JSON"));
  }
  SECTION("metrics of another make") {
    testing::write_text(run / "metrics.json", R"({"metrics": [], "cases": [{"id": 1}]})");
    CHECK_THAT(body_of(page(collect({run}))), Contains("metrics.json is not what a run writes"));
  }
  SECTION("a picture that is none") {
    testing::write_text(run / "images/step-000000200/slice-0.png", "no picture");
    CHECK_THAT(body_of(page(collect({run}))), Contains("slice-0.png: is not a PNG"));
  }
  SECTION("files that were left out") {
    testing::write_text(run / "environment.json", R"({"skipped": ["scan-3.nii: truncated"]})");
    CHECK_THAT(body_of(page(collect({run}))), Contains("scan-3.nii: truncated"));
  }
}

TEST_CASE("a benchmark without its table, or with a damaged one, says so", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder / "demo");
  const auto table = folder / "demo/table.json";
  fs::remove(table);
  CHECK(collect({folder / "demo"}).problems ==
        std::vector<std::string>{table.string() + " is missing: the benchmark has not finished"});
  testing::write_text(table, R"({"entries": [{"against_baseline": {}}]})");
  const auto problems = collect({folder / "demo"}).problems;
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], Contains(table.string() + " cannot be read: "));
  fs::remove_all(folder / "demo");
  fs::create_directories(folder / "demo/adapt");
  CHECK(collect({folder / "demo"}).problems.at(0) ==
        (folder / "demo").string() + " holds no run yet");
}

TEST_CASE("in a benchmark of several backbones a task is an experiment on each", "[report]") {
  const ScratchFolder folder;
  for (const auto* backbone : {"ukan", "unet"})
    for (const auto* arm : {"cover", "scratch"}) {
      const auto pretrain = folder / "demo/pretrain" / arm / backbone;
      testing::make_pretrain_run(pretrain, arm);
      testing::make_adapt_run(folder / "demo/adapt" / arm / backbone / "organs/seed-0",
                              pretrain.string(), 0, 70);
    }
  testing::write_text(folder / "demo/table.json", R"({"baseline": "scratch", "published": [],
    "rows": [{"pretraining": "cover", "backbone": "ukan"}], "columns": [{"task": "organs"}],
    "averages": [], "protocols": [], "entries": [
    {"pretraining": "cover", "task": "organs", "metric": "DSC", "backbone": "ukan", "unit": "%",
     "higher_is_better": true, "main": true, "mean": 70, "seeds": 1, "cases": 6,
     "against_baseline": {"difference": 2.5, "low": 1, "high": 4, "cases": 6}}]})");
  const auto all = collect({folder / "demo"});
  CHECK(all.problems.empty());
  std::vector<std::string> places;
  for (const auto& placed : all.adapt)
    places.push_back(placed.arm + (placed.is_baseline ? ", baseline: " : ": ") + placed.experiment);
  CHECK(places == std::vector<std::string>{"cover: organs with ukan", "cover: organs with unet",
                                           "scratch, baseline: organs with ukan",
                                           "scratch, baseline: organs with unet"});
  REQUIRE(all.differences.size() == 1);
  CHECK(all.differences[0].arm == "cover");
  CHECK(all.differences[0].experiment == "organs with ukan");
}

TEST_CASE("classes of whole images: areas with intervals, scores and frames", "[report]") {
  const ScratchFolder folder;
  const auto run = folder / "run";
  testing::make_adapt_run(run, "", 0, 70);
  testing::write_text(run / "metrics.json", R"({
    "metrics": [{"name": "AUC", "unit": "%", "higher_is_better": true},
                {"name": "log_loss", "unit": "", "higher_is_better": false}],
    "set": [{"metric": "AUC", "label": "mass", "value": 81.25, "low": 70.5, "high": 92,
             "contributions": [75, 87.5]}],
    "cases": [
      {"id": "slice-0", "truth": "mass", "prediction": "normal", "values": [
        {"metric": "score", "label": "normal", "value": 0.875},
        {"metric": "score", "label": "mass", "value": 0.125},
        {"metric": "log_loss", "label": "", "value": 2.08}]},
      {"id": "slice-1", "truth": "normal", "prediction": "normal", "values": [
        {"metric": "score", "label": "normal", "value": 0.5},
        {"metric": "score", "label": "mass", "value": 0.5},
        {"metric": "log_loss", "label": "", "value": 0.69}]}]})");
  const auto body = body_of(page(collect({run})));
  CHECK_THAT(body, Contains("AUC: of all test cases together, no mean over them."));
  CHECK_THAT(body, Contains("<h4>AUC of each run</h4>"));
  CHECK_THAT(body, Contains(">81.25<br><small>70.50 to 92.00</small></td>"));
  // Cases show their class, what they were called, their own metrics and the scores.
  CHECK_THAT(body, Contains("<th scope=\"col\">Truth</th><th scope=\"col\">Called</th>"
                            "<th scope=\"col\" class=\"number\">log_loss</th>"
                            "<th scope=\"col\" class=\"number\">score, normal</th>"
                            "<th scope=\"col\" class=\"number\">score, mass</th>"));
  CHECK_THAT(body,
             Contains("<td>mass</td><td>normal</td><td class=\"number\" data-value=\"2.08\">"));
  // The worst case is that of the largest loss.
  CHECK_THAT(body, Contains("<h4>slice-0 <small>(among the worst)</small></h4>"));
  CHECK_THAT(body, Contains("; mass, called normal"));

  testing::write_text(run / "metrics.json", R"({
    "metrics": [{"name": "AUC", "unit": "%", "higher_is_better": true}],
    "set": [{"metric": "AUC", "label": "mass", "value": null, "note": "no case is of the class",
             "contributions": []}],
    "cases": [{"id": "slice-1", "truth": "normal", "prediction": "normal", "values": []}]})");
  CHECK_THAT(body_of(page(collect({run}))),
             Contains("1 of 1 values are not defined and left out of the means: 1 AUC of mass, no "
                      "case is of the class."));
}

TEST_CASE("a long table of cases ends, and says where the rest is", "[report]") {
  const ScratchFolder folder;
  testing::make_adapt_run(folder / "run", "", 0, 70);
  auto metrics = nlohmann::ordered_json::parse(testing::text_of(folder / "run/metrics.json"));
  const auto one = metrics["cases"][0];
  metrics["cases"] = nlohmann::ordered_json::array();
  for (int i = 0; i < 1501; ++i) {
    metrics["cases"].push_back(one);
    metrics["cases"].back()["id"] = fmt::format("case-{}", i);
  }
  testing::write_text(folder / "run/metrics.json", metrics.dump());
  const auto body = body_of(page(collect({folder / "run"})));
  CHECK(count(body, "<tr><th scope=\"row\">case-") == 1500);
  CHECK_THAT(body, Contains("The first 1500 of 1501 rows; all are in the runs’ metrics.json."));
}

TEST_CASE("a list of pictures reads no other folder", "[report]") {
  const ScratchFolder folder;
  const auto run = folder.path() / "cover";
  testing::make_pretrain_run(run, "cover");
  testing::write_text(
      run / "images/step-000000400/pictures.json",
      R"([{"file": "../../../secret.png", "title": "x"}, {"file": "gone.png", "title": "y"}])");
  fs::copy(run / "images/step-000000400/0-fixed.png", folder.path() / "secret.png");
  const auto all = collect({run});
  for (const auto& picture : all.pretrain[0].run.pictures.back().pictures)
    CHECK(picture.file.parent_path() == run / "images/step-000000400");
  CHECK_THAT(body_of(page(all)),
             Contains("../../../secret.png, which pictures.json lists, is missing") &&
                 Contains("gone.png, which pictures.json lists, is missing"));
}

TEST_CASE("pictures beyond the budget are counted", "[report]") {
  const ScratchFolder folder;
  const auto run = folder.path() / "cover";
  testing::make_pretrain_run(run, "cover");
  const auto bytes = fs::file_size(run / "images/step-000000400/0-fixed.png");
  PictureBudget budget(bytes + 1);
  CHECK(view_pictures(collect({run}), budget)
            .find("9 more pictures are in the run’s images folder") != std::string::npos);
  CHECK(budget.left_out().empty());
}

TEST_CASE("Chromium draws every picture and chart without an error", "[report][browser]") {
  if (testing::has_no_browser()) return;
  const ScratchFolder folder;
  testing::make_benchmark(folder.path() / "demo");
  const auto check = testing::checked_page(folder, page(collect({folder.path() / "demo"})), 1200);
  INFO(check.dump());
  CHECK(check.at("failures").empty());
  CHECK(check.at("images") == 22);
  CHECK(check.at("brokenImages") == 0);
  CHECK(check.at("charts") == 11);
  CHECK(check.at("emptyCharts") == 0);
  // One of them is of a learning rate that is 1e-4 throughout.
  CHECK(check.at("flatCharts") == 0);
  CHECK(check.at("duplicateIds").empty());
}

}  // namespace
}  // namespace covector::report
