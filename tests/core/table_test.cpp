#include "support/catch.h"

#include "benchmark_table.h"
#include "run_folder.h"
#include "support/scratch_folder.h"
#include "support/toy_runs.h"
#include "table.h"
#include "table_formats.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace covector;
using Catch::Contains;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
using Json = nlohmann::json;

namespace {

const Metric kDsc{"DSC", "%", true};

/// One case with one value each: id 0, 1, ...
Measurement cases(const std::vector<std::optional<double>>& values) {
  Measurement measurement{{kDsc}, {}};
  for (std::size_t i = 0; i < values.size(); ++i)
    measurement.cases.push_back({std::to_string(i), {{"DSC", "", values[i], ""}}});
  return measurement;
}

/// Cases of a true class each and an accuracy, and an area that is the mean of their contributions.
Measurement ranked(const std::vector<std::string>& truth,
                   const std::vector<double>& contributions) {
  Measurement measurement{{{"AUC", "%", true}, {"accuracy", "%", true}}, {}};
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    sum += contributions[i];
    measurement.cases.push_back(
        {std::to_string(i), {{"accuracy", truth[i], i % 2 ? 100.0 : 0.0, ""}}, truth[i], "mass"});
  }
  const auto count = static_cast<double>(truth.size());
  measurement.set = {{"AUC", "mass", sum / count, {}, {}, "", contributions}};
  return measurement;
}

CellResult cell(const std::string& row, const std::string& column, std::int64_t seed,
                std::optional<double> value, const std::string& state = "") {
  return {row, column, seed, value ? cases({*value}) : Measurement{}, "", state};
}

/// 2D tasks a and b, a 3D task c; cover has not run on c.
///
///            a    b    c
///   scratch  80   60   50
///   byol     85   75   40
///   cover    90   70   -
Table three_tasks() {
  auto table = make_table(
      {cell("scratch", "a", 0, 80), cell("scratch", "b", 0, 60), cell("scratch", "c", 0, 50),
       cell("cover", "a", 0, 90), cell("cover", "b", 0, 70), cell("cover", "c", 0, {}, "not run"),
       cell("byol", "a", 0, 85), cell("byol", "b", 0, 75), cell("byol", "c", 0, 40)},
      "scratch");
  table.columns[0].dimensions = table.columns[1].dimensions = 2;
  table.columns[2].dimensions = 3;
  table.rows[1].family = "VR";
  table.rows[2].family = "BCL";
  return table;
}

const TableAverage& average(const Table& table, const std::string& row, const std::string& over) {
  for (const auto& average : table.averages)
    if (average.row == row && average.over == over) return average;
  throw std::runtime_error("no average of " + row + " over " + over);
}

}  // namespace

TEST_CASE("a benchmark's table by hand", "[table]") {
  // scratch: seeds (10, 30) and (20, 40): means 20 and 30, so 25, spread sqrt(50) = 7.07
  // cover:   seeds (30, 50) and (20, none): means 40 and 20, so 30, spread sqrt(200) = 14.14
  // by case: cover 25 and 50, scratch 15 and 35: differences 10 and 15, mean 12.5
  const auto table = make_table({{"scratch", "organs", 0, cases({10.0, 30.0})},
                                 {"scratch", "organs", 1, cases({20.0, 40.0})},
                                 {"cover", "organs", 0, cases({30.0, 50.0})},
                                 {"cover", "organs", 1, cases({20.0, std::nullopt})}},
                                "scratch");
  REQUIRE(table.entries.size() == 2);
  const auto& scratch = table.entries[0];
  const auto& cover = table.entries[1];
  CHECK(scratch.row == "scratch");
  CHECK(*scratch.mean == Approx(25.0));
  CHECK(*scratch.spread == Approx(std::sqrt(50.0)));
  CHECK(scratch.seeds == 2);
  CHECK(scratch.cases == 2);
  CHECK_FALSE(scratch.against_baseline);
  CHECK(*cover.mean == Approx(30.0));
  CHECK(*cover.spread == Approx(std::sqrt(200.0)));
  CHECK(cover.undefined == 1);
  const auto& paired = cover.against_baseline.value();
  CHECK(paired.difference == Approx(12.5));
  CHECK(paired.cases == 2);
  // two values: a resampled mean is 10, 12.5 or 15, the extremes with chance 1/4 each
  CHECK(paired.low == Approx(10.0));
  CHECK(paired.high == Approx(15.0));
  // both of two are positive, as in one of four ways: 2 * 1/4
  CHECK(*paired.p_value == 0.5);
  // both seeds and both cases the lowest, chance 1/16 each way; of cover the lowest seed alone, and
  // the highest case of the only seed that has it
  CHECK(scratch.interval->low == 10.0);
  CHECK(scratch.interval->high == 40.0);
  CHECK(cover.interval->low == 20.0);
  CHECK(cover.interval->high == 50.0);
  CHECK(to_markdown(table) ==
        "| pretraining | organs DSC [%] ↑ |\n"
        "|---|---|\n"
        "| scratch | 25.0 ± 7.1 [10.0, 40.0] |\n"
        "| cover | **30.0** ± 14.1 [20.0, 50.0] (+12.5 [+10.0, +15.0], p = 0.500) |\n"
        "\n"
        "Mean over cases, then over 2 seeds, ± standard deviation over seeds, [95 % bootstrap "
        "interval over seeds and cases]. Cases: organs 2.\n"
        "In brackets: difference to scratch, paired by case, with its 95 % bootstrap interval over "
        "cases and the two-sided p of Wilcoxon's signed-rank test over cases.\n"
        "Bold: the best of a column; italic: the second best.\n"
        "cover, organs DSC [%] ↑: 1 undefined values are left out.\n");
}

TEST_CASE("a metric of the set in a benchmark's table is paired by contributions", "[table]") {
  // scratch 50 from (50, 50, 50, 50), cover 60 from (60, 80, 40, 60): differences 10 and 30 of ill
  // cases, -10 and 10 of well ones, mean 10, each class with s^2 = 200. The variance of the mean is
  // (1/2)^2 200/2 + (1/2)^2 200/2 = 50, z = 10 / sqrt(50), and p = erfc(z / sqrt 2) = erfc(1).
  const std::vector<std::string> truth{"ill", "ill", "well", "well"};
  const auto scratch = ranked(truth, {50, 50, 50, 50});
  const auto cover = ranked(truth, {60, 80, 40, 60});
  const auto table =
      make_table({{"scratch", "mass", 0, scratch}, {"cover", "mass", 0, cover}}, "scratch");
  REQUIRE(table.entries.size() == 4);
  const auto& area = table.entries[2];
  CHECK(area.metric.name == "AUC");
  CHECK(area.of_set);
  CHECK(area.main);
  CHECK_FALSE(table.entries[3].of_set);
  CHECK_FALSE(table.entries[3].main);
  CHECK(*area.mean == 60.0);
  CHECK(area.against_baseline->difference == 10.0);
  CHECK(*area.against_baseline->p_value == Approx(std::erfc(1.0)).epsilon(1e-12));
  const auto markdown = to_markdown(table);
  CHECK_THAT(markdown,
             Contains("| cover | **60.0** [") && Contains(", p = 0.157) |\n") &&
                 Contains("; for what is of all cases together, of DeLong's test.\n") &&
                 Contains("\nFurther metrics:\n\n| pretraining | mass accuracy [%] ↑ |\n") &&
                 Contains("| cover | 50.0 [0.0, 100.0] (+0.0 [+0.0, +0.0], p = 1.000) |\n") &&
                 Contains("\nmass AUC [%] ↑ is of all cases together, no mean over them.\n"));
  // Sets that differ are not paired: a contribution is one to the whole set.
  auto other = cover;
  other.cases[1].id = "another";
  CHECK_FALSE(make_table({{"scratch", "mass", 0, scratch}, {"cover", "mass", 0, other}}, "scratch")
                  .entries[2]
                  .against_baseline);
}

TEST_CASE("a metric without any value is named below the table", "[table]") {
  auto measurement = cases({1.0, 1.0});
  measurement.metrics.push_back({"HD95", "mm", false});
  for (auto& result : measurement.cases) result.values.push_back({"HD95", "", {}, "no spacing"});
  CHECK(to_markdown(make_table({{"a", "t", 5, measurement}}, "")) ==
        "| pretraining | t DSC [%] ↑ |\n|---|---|\n| a | 1.0 [1.0, 1.0] |\n\n"
        "Mean over cases, then over 1 seed, [95 % bootstrap interval over cases]. Cases: t 2.\n"
        "t HD95 [mm] ↓ is undefined in every case.\n");
}

TEST_CASE("one seed has no spread", "[table]") {
  CHECK_FALSE(make_table({{"a", "t", 5, cases({1.0})}}, "").entries.at(0).spread);
}

TEST_CASE("averages are of the row's own values, absent where one is", "[table]") {
  auto table = three_tasks();
  add_averages(table);
  // one task in 3D: no average over it
  REQUIRE(table.averages.size() == 6);
  CHECK(*average(table, "scratch", "2D").mean == 70.0);
  CHECK_FALSE(average(table, "scratch", "2D").difference);
  CHECK(*average(table, "scratch", "all").mean == Approx(190.0 / 3));
  CHECK(*average(table, "byol", "2D").mean == 80.0);
  CHECK(*average(table, "byol", "2D").difference == 10.0);
  CHECK(*average(table, "byol", "all").difference == Approx(10.0 / 3));
  CHECK(*average(table, "cover", "2D").mean == 80.0);
  CHECK_FALSE(average(table, "cover", "all").mean);
  CHECK(average(table, "cover", "all").missing == std::vector<std::string>{"c"});
}

TEST_CASE("metrics of other units or directions have no average", "[table]") {
  auto distance = cases({3.0});
  distance.metrics = {{"HD95", "mm", false}};
  distance.cases[0].values[0].metric = "HD95";
  auto table = make_table({cell("a", "x", 0, 80), {"a", "y", 0, distance}}, "");
  add_averages(table);
  CHECK(table.averages.empty());
}

TEST_CASE("rows are grouped by family, and empty cells have their state", "[table]") {
  auto table = three_tasks();
  sort_by_family(table);
  add_averages(table);
  CHECK(
      to_markdown(table) ==
      "| pretraining | a DSC [%] ↑ | b DSC [%] ↑ | c DSC [%] ↑ | 2D average [%] ↑ | average [%] ↑ "
      "|\n"
      "|---|---|---|---|---|---|\n"
      "| scratch | 80.0 [80.0, 80.0] | 60.0 [60.0, 60.0] | **50.0** [50.0, 50.0] | 70.0 | "
      "63.3 |\n"
      "| *Binary contrast* | | | | | |\n"
      "| byol | *85.0* [85.0, 85.0] (+5.0 [+5.0, +5.0], p = 1.000) | **75.0** [75.0, 75.0] (+15.0 "
      "[+15.0, +15.0], p = 1.000) | 40.0 [40.0, 40.0] (-10.0 [-10.0, -10.0], p = 1.000) | "
      "**80.0** (+10.0) | **66.7** (+3.3) |\n"
      "| *Vector regression* | | | | | |\n"
      "| cover | **90.0** [90.0, 90.0] (+10.0 [+10.0, +10.0], p = 1.000) | *70.0* [70.0, 70.0] "
      "(+10.0 [+10.0, +10.0], p = 1.000) | not run | **80.0** (+10.0) |  |\n"
      "\n"
      "Mean over cases, then over 1 seed, [95 % bootstrap interval over cases]. Cases: a 1, b 1, c "
      "1.\n"
      "In brackets: difference to scratch, paired by case, with its 95 % bootstrap interval over "
      "cases and the two-sided p of Wilcoxon's signed-rank test over cases.\n"
      "Bold: the best of a column; italic: the second best.\n"
      "Averages are taken over a row's own values, before rounding; each task counts the same.\n"
      "No average over all tasks, for want of c: cover.\n");
}

TEST_CASE("published values stand beside measured ones, with their source and average", "[table]") {
  auto table = three_tasks();
  add_published(table, {{{"scratch", "", "a", "DSC", 81.25, "a paper, Table 1"},
                         {"scratch", "", "b", "DSC", 60.75, "a paper, Table 1"},
                         {"cover", "", "c", "DSC", 99.0, "a paper, Table 2"},
                         {"cover", "", "z", "DSC", 12.0, "another"}}});
  add_averages(table);
  CHECK(*table.entries[0].published == 81.25);
  CHECK(*average(table, "scratch", "2D").published == 71.0);
  CHECK_FALSE(average(table, "scratch", "all").published);
  const auto markdown = to_markdown(table);
  CHECK_THAT(markdown,
             Contains("| 80.0 [80.0, 80.0], published 81.2 |") &&
                 Contains("| not run, published 99.0 |") && Contains("| 70.0, published 71.0 |") &&
                 Contains("\nPublished: a paper, Table 1.\nPublished: a paper, Table 2.\n") &&
                 !Contains("another"));
  CHECK_THROWS_WITH(add_published(table, {{{"scratch", "", "a", "AUC", 90, "a paper"}}}),
                    "[published] gives AUC of task 'a', which measures DSC");
}

TEST_CASE("cells under another protocol are marked, and the footnote says what differs",
          "[table]") {
  auto longer = cell("cover", "a", 0, 90);
  longer.protocol = {{"loop.steps", "400"}, {"data", "f00d"}};
  std::vector<CellResult> cells{cell("scratch", "a", 0, 80),       longer,
                                cell("byol", "a", 0, 85),          cell("scratch", "b", 0, 60),
                                cell("cover", "b", 0, 70),         cell("byol", "b", 0, 75),
                                cell("byol", "b", 1, {}, "failed")};
  for (auto& one : cells)
    if (one.row != "cover" && one.column == "a")
      one.protocol = {{"loop.steps", "200"}, {"data", "f00d"}};
  auto table = make_table(cells, "scratch");
  for (auto& column : table.columns) column.dimensions = 2;
  add_averages(table);
  REQUIRE(table.footnotes.size() == 2);
  CHECK(table.footnotes[0].mark == "a");
  CHECK(table.footnotes[0].differences == std::vector<std::string>{"loop.steps: 400, others 200"});
  CHECK(table.footnotes[1].differences == std::vector<std::string>{"lacks 1 of 2 seeds: failed"});
  const auto mark = [&](const std::string& row, const std::string& column) {
    return table.main_entry({row}, column)->mark;
  };
  CHECK(mark("cover", "a") == "a");
  CHECK(mark("scratch", "a").empty());
  CHECK(mark("byol", "b") == "b");
  CHECK(average(table, "cover", "2D").marks == std::vector<std::string>{"a"});
  const auto markdown = to_markdown(table);
  CHECK_THAT(markdown, Contains("p = 1.000) <sup>a</sup> |") &&
                           Contains("\n<sup>a</sup> Not as most of its column: loop.steps: 400, "
                                    "others 200.\n<sup>b</sup> Not as most of its column: lacks 1 "
                                    "of 2 seeds: failed.\n"));
}

TEST_CASE("a network is part of a row's name, not of its protocol", "[table]") {
  std::vector<CellResult> cells;
  for (const auto* backbone : {"unet", "ukan"}) {
    cells.push_back(cell("scratch", "a", 0, 80));
    cells.back().backbone = backbone;
    cells.back().protocol = {{"backbone.type", backbone}};
  }
  const auto table = make_table(cells, "scratch");
  CHECK(table.footnotes.empty());
  CHECK_THAT(to_markdown(table), Catch::StartsWith("| backbone, pretraining |") &&
                                     Contains("\n| unet, scratch | 80.0") &&
                                     Contains("\n| ukan, scratch | 80.0"));
}

TEST_CASE("a table in JSON, and read back", "[table]") {
  auto table = three_tasks();
  table.rows[1].note = "a reconstruction";
  add_published(table, {{{"cover", "", "a", "DSC", 91.5, "a paper"}}});
  add_averages(table);
  table.footnotes = {{"a", {"loop.steps: 400, others 200"}}};
  table.entries[0].mark = "a";
  const auto text = to_json(table);
  const auto json = Json::parse(text);
  CHECK(json.at("baseline") == "scratch");
  CHECK(json.at("published") == Json{"a paper"});
  CHECK(json.at("columns").at(2) == Json{{"task", "c"}, {"dimensions", 3}});
  CHECK(json.at("rows").at(1) ==
        Json{{"pretraining", "cover"}, {"family", "VR"}, {"note", "a reconstruction"}});
  CHECK(json.at("entries").at(3) == Json::parse(R"({
    "pretraining": "cover", "task": "a", "metric": "DSC", "unit": "%", "higher_is_better": true,
    "mean": 90.0, "spread": null, "seeds": 1, "of_set": false, "undefined": 0, "main": true,
    "cases": 1, "interval": [90.0, 90.0],
    "against_baseline": {"difference": 10.0, "low": 10.0, "high": 10.0, "cases": 1},
    "p_value": 1.0, "published": 91.5, "note": "a reconstruction"})"));
  CHECK(json.at("entries").at(5).at("state") == "not run");
  CHECK(json.at("entries").at(5).at("mean").is_null());
  CHECK(json.at("protocols").at(0) ==
        Json{{"mark", "a"}, {"differences", {"loop.steps: 400, others 200"}}});
  CHECK(to_json(table_of_json(text)) == text);
  CHECK(to_markdown(table_of_json(text)) == to_markdown(table));
  CHECK_THROWS_AS(table_of_json("{}"), nlohmann::json::exception);
}

TEST_CASE("a table as comma-separated values", "[table]") {
  auto table =
      make_table({cell("a \"b\", c", "t", 0, 12.345), cell("d", "t", 0, {}, "failed")}, "");
  table.rows[0].family = "GL";
  table.columns[0].dimensions = 2;
  CHECK(to_csv(table) ==
        "pretraining,backbone,family,task,dimensions,metric,unit,better,mean,spread,low,high,seeds,"
        "cases,undefined,difference,difference_low,difference_high,pairs,p_value,published,state,"
        "protocol\n"
        "\"a \"\"b\"\", c\",,GL,t,2,DSC,%,higher,12.345,,12.345,12.345,1,1,0,,,,,,,,\n"
        "d,,,t,2,DSC,%,higher,,,,,0,0,0,,,,,,,failed,\n");
}

TEST_CASE("a table in LaTeX, with what LaTeX reads otherwise escaped", "[table]") {
  auto table = make_table({cell("none_at_all", "R&D", 0, 80), cell("50% {x}", "R&D", 0, 90.04)},
                          "none_at_all");
  add_published(table, {{{"none_at_all", "", "R&D", "DSC", 81.0, "A & B"}}});
  table.footnotes = {{"a", {"steps #1, others ~2^3"}}};
  table.entries[1].mark = "a";
  CHECK(to_latex(table) ==
        "% \\usepackage{booktabs}\n% \\usepackage{threeparttable}\n"
        "\\begin{table*}\n\\centering\n\\begin{threeparttable}\n"
        "\\begin{tabular}{lc}\n\\toprule\n"
        "pretraining & R\\&D DSC [\\%] $\\uparrow$ \\\\\n\\midrule\n"
        "none\\_at\\_all & 80.0 {\\scriptsize[81.0]} \\\\\n"
        "50\\% \\{x\\} & \\textbf{90.0}\\tnote{a} {\\scriptsize$(+10.0)$} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
        "\\begin{tablenotes}\\footnotesize\n"
        "\\item Mean over cases, then over 1 seed. Cases: R\\&D 1.\n"
        "\\item In round brackets: difference to none\\_at\\_all, paired by case; with an asterisk "
        "where p \\textless{} 0.05: the two-sided p of Wilcoxon's signed-rank test over cases.\n"
        "\\item In square brackets: the published value.\n"
        "\\item Bold: the best of a column; italic: the second best.\n"
        "\\item Published: A \\& B.\n"
        "\\item[a] Not as most of its column: steps \\#1, others "
        "\\textasciitilde{}2\\textasciicircum{}3.\n"
        "\\end{tablenotes}\n\\end{threeparttable}\n\\end{table*}\n");
}

TEST_CASE("a table in LaTeX has an asterisk where p is below 0.05", "[table]") {
  // Six of six cases better: p = 2 / 2^6 = 0.03; five of five: 2 / 2^5 = 0.06.
  const auto table_of = [](std::size_t count) {
    std::vector<std::optional<double>> low, high;
    for (std::size_t i = 0; i < count; ++i) {
      low.push_back(50);
      high.push_back(60.0 + static_cast<double>(i));
    }
    return to_latex(
        make_table({{"none", "t", 0, cases(low)}, {"cover", "t", 0, cases(high)}}, "none"));
  };
  CHECK_THAT(table_of(6), Contains("{\\scriptsize$(+12.5^{*})$}"));
  CHECK_THAT(table_of(5), Contains("{\\scriptsize$(+12.0)$}"));
}

TEST_CASE("a table as a page", "[table]") {
  auto table = three_tasks();
  table.rows[0].note = "a < b";
  sort_by_family(table);
  add_averages(table);
  const auto page = to_html(table);
  CHECK_THAT(page, Catch::StartsWith("<!doctype html>\n") && Catch::EndsWith("</html>\n"));
  CHECK_THAT(page, Contains("<th scope=\"row\">scratch (a &lt; b)</th><td>80.0"
                            "<small>[80.0, 80.0]</small></td>"));
  CHECK_THAT(page, Contains("<td><i>85.0</i><small>[85.0, 85.0]</small>"
                            "<small>(+5.0 [+5.0, +5.0], p = 1.000)</small></td>"));
  CHECK_THAT(page, Contains("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">"
                            "Vector regression</th></tr>"));
  CHECK_THAT(page, Contains("<td>not run</td>"));
  // nothing from elsewhere
  CHECK_THAT(page, !Contains("src=") && !Contains("href=") && !Contains("<script"));
}

TEST_CASE("tables of two benchmarks stand side by side", "[table]") {
  auto flat = make_table({cell("scratch", "a", 0, 80), cell("cover", "a", 0, 90)}, "scratch");
  auto solid = make_table({cell("scratch", "b", 0, 50), cell("byol", "b", 0, 60)}, "scratch");
  flat.columns[0].dimensions = 2;
  solid.columns[0].dimensions = 3;
  flat.footnotes = {{"a", {"x: 1, others 2"}}};
  flat.entries[0].mark = "a";
  solid.footnotes = {{"a", {"y: 1, others 2"}}};
  solid.entries[1].mark = "a";
  const auto both = join({flat, solid});
  REQUIRE(both.rows.size() == 3);
  CHECK(both.rows[2].name == "byol");
  REQUIRE(both.columns.size() == 2);
  CHECK(both.columns[1].name == "b");
  CHECK(both.columns[1].dimensions == 3);
  CHECK(*average(both, "scratch", "all").mean == 65.0);
  CHECK_FALSE(average(both, "cover", "all").mean);
  REQUIRE(both.footnotes.size() == 2);
  CHECK(both.main_entry({"scratch"}, "a")->mark == "a");
  CHECK(both.main_entry({"byol"}, "b")->mark == "b");
  CHECK_THROWS_WITH(join({flat, flat}),
                    "two benchmarks have a task 'a'; only benchmarks of different tasks can stand "
                    "side by side");
  solid.baseline = "none";
  CHECK_THROWS_WITH(join({flat, solid}),
                    "tables of benchmarks whose baselines differ cannot stand side by side: "
                    "'scratch' and 'none'");
}

TEST_CASE("a benchmark's tables from its folders, some of whose cells are not finished",
          "[table]") {
  const ScratchFolder folder;
  covector::testing::ToyProgram program;
  const auto recipe = covector::testing::ToyProgram::adapt("steps = 2\n");
  const auto add = [&](BenchmarkPlan& plan, const std::string& row, const std::string& column,
                       const std::string& method) {
    auto own = recipe;
    own.table.set("method", OptionTable{{"type", method}});
    own.table.set("pretrained", OptionTable{{"run", (folder / "pretrain" / row).string()}});
    const auto pretraining = "pretrain/" + row;
    const auto name = column.empty() ? pretraining : "adapt/" + row + "/" + column;
    plan.cells.push_back(
        {row, "", column, 0, own, folder / name, name, column.empty() ? "" : pretraining});
  };
  BenchmarkPlan plan{{}, "none"};
  for (const auto* column : {"", "organs", "vessels"}) {
    add(plan, "none", column, "scratch");
    add(plan, "toy", column, "toy");
  }
  const auto finish = [&](const std::string& cell, double value) {
    folder.write("adapt/" + cell + "/status.json",
                 R"({"state": "finished", "step": 2, "steps": 2})");
    folder.write("adapt/" + cell + "/metrics.json", to_json(cases({value, value}), "last", 2));
  };
  finish("none/organs", 40);
  finish("toy/organs", 50);
  folder.write("adapt/none/organs/environment.json", R"({"dataset_fingerprint": "f00d"})");
  folder.write("adapt/toy/organs/environment.json", R"({"dataset_fingerprint": "beef"})");
  folder.write("adapt/none/vessels/status.json", R"({"state": "failed", "step": 1, "steps": 2})");
  folder.write("adapt/toy/vessels/status.json", R"({"state": "finished", "step": 2, "steps": 2})");

  CHECK_THROWS_WITH(table_text(folder.path(), "csv"),
                    Catch::StartsWith("there is no " + (folder / "table.json").string()));
  write_tables(plan, folder.path(), program.registries, program.out);
  CHECK(program.out.str() == "\n" + text_of(folder / "table.md"));
  const auto markdown = text_of(folder / "table.md");
  CHECK_THAT(
      markdown,
      Contains("| none | 40.0 [40.0, 40.0] | failed |") &&
          Contains("[+10.0, +10.0], p = 0.500) <sup>a</sup> | without metrics.json |") &&
          Contains(
              "<sup>a</sup> Not as most of its column: dataset_fingerprint: beef, others f00d."));
  CHECK(table_text(folder.path(), "markdown") == markdown);
  CHECK(table_text(folder.path(), "latex") == text_of(folder / "table.tex"));
  CHECK(table_text(folder.path(), "csv") == text_of(folder / "table.csv"));
  CHECK(table_text(folder.path(), "html") == text_of(folder / "table.html"));
  CHECK(table_text(folder.path(), "json") == text_of(folder / "table.json"));
  CHECK_THROWS_WITH(
      table_text(folder.path(), "docx"),
      "there is no format 'docx' of tables; there are json, markdown, csv, latex, html");
  folder.write("table.json", "{");
  CHECK_THROWS_WITH(table_text(folder.path(), "csv"),
                    Catch::StartsWith("cannot read " + (folder / "table.json").string()));
}
