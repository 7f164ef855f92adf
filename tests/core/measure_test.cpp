#include "support/catch.h"

#include "measure.h"
#include "support/scratch_folder.h"
#include "table.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace covector;

namespace {

const Metric kDsc{"DSC", "%", true};

CaseResult result(const std::string& id, std::optional<double> liver,
                  std::optional<double> spleen) {
  const auto value = [](const std::string& label, const std::optional<double>& number) {
    return CaseValue{"DSC", label, number, number ? "" : "absent in truth and prediction"};
  };
  return {id, {value("liver", liver), value("spleen", spleen)}};
}

/// One case with one value each: id 0, 1, ...
Measurement cases(const std::vector<std::optional<double>>& values) {
  Measurement measurement{{kDsc}, {}};
  for (std::size_t i = 0; i < values.size(); ++i)
    measurement.cases.push_back({std::to_string(i), {{"DSC", "", values[i], ""}}});
  return measurement;
}

/// Two cases with a score, and an area that is the mean of their contributions.
Measurement ranked(std::vector<double> contributions) {
  const auto area = (contributions[0] + contributions[1]) / 2;
  Measurement measurement{{{"AUC", "%", true}, {"accuracy", "%", true}}, {}};
  measurement.cases = {
      {"0", {{"score", "mass", 0.75, ""}, {"accuracy", "mass", 100.0, ""}}, "mass", "mass"},
      {"1", {{"score", "mass", 0.75, ""}, {"accuracy", "normal", 0.0, ""}}, "normal", "mass"}};
  measurement.set = {{"AUC", "mass", area, area - 17.5, area + 17.5, "", std::move(contributions)}};
  return measurement;
}

}  // namespace

TEST_CASE("means leave undefined values out and count them", "[measure]") {
  // cases: (80 + 60) / 2 = 70; 90 alone; nothing
  const Measurement measurement{{kDsc},
                                {result("a", 80.0, 60.0), result("b", 90.0, std::nullopt),
                                 result("c", std::nullopt, std::nullopt)}};
  CHECK(*mean_of_case(measurement.cases[0], "DSC").value == 70.0);
  const auto all = mean_of(measurement, "DSC");
  CHECK(*all.value == 80.0);
  CHECK(all.defined == 2);
  CHECK(all.undefined == 1);
  const auto spleen = mean_of_label(measurement, "DSC", "spleen");
  CHECK(*spleen.value == 60.0);
  CHECK(spleen.defined == 1);
  CHECK(spleen.undefined == 2);
  CHECK_FALSE(mean_of(measurement, "HD95").value.has_value());
  CHECK(to_text(measurement) == "DSC 80 % (undefined in 1 of 3 cases)");
}

TEST_CASE("metrics.json by hand, and read back", "[measure]") {
  const covector::testing::ScratchFolder folder;
  const Measurement measurement{{kDsc}, {result("a", 80.0, std::nullopt)}};
  const auto text = to_json(measurement, "best", 40);
  CHECK(nlohmann::json::parse(text) == nlohmann::json::parse(R"({
    "weights": "best", "step": 40,
    "metrics": [{"name": "DSC", "unit": "%", "higher_is_better": true}],
    "summary": [{"metric": "DSC", "label": "", "mean": 80.0, "defined": 1, "undefined": 0},
                {"metric": "DSC", "label": "liver", "mean": 80.0, "defined": 1, "undefined": 0},
                {"metric": "DSC", "label": "spleen", "mean": null, "defined": 0, "undefined": 1}],
    "cases": [{"id": "a", "values": [
      {"metric": "DSC", "label": "liver", "value": 80.0},
      {"metric": "DSC", "label": "spleen", "value": null,
       "note": "absent in truth and prediction"}]}]})"));
  std::ofstream(folder.path() / "metrics.json") << text;
  CHECK(to_json(read_measurement(folder.path() / "metrics.json"), "best", 40) == text);
  std::ofstream(folder.path() / "torn.json") << text.substr(0, 100);
  CHECK_THROWS_WITH(read_measurement(folder.path() / "torn.json"),
                    Catch::StartsWith("cannot read " + (folder.path() / "torn.json").string()));
}

TEST_CASE("a benchmark's table by hand", "[table]") {
  // scratch: seeds (10, 30) and (20, 40): means 20 and 30, so 25, spread sqrt(50) = 7.07
  // cover:   seeds (30, 50) and (20, none): means 40 and 20, so 30, spread sqrt(200) = 14.14
  // by case: cover 25 and 50, scratch 15 and 35: differences 10 and 15, mean 12.5
  const auto table = make_table({{"scratch", "organs", 0, cases({10.0, 30.0})},
                                 {"scratch", "organs", 1, cases({20.0, 40.0})},
                                 {"cover", "organs", 0, cases({30.0, 50.0})},
                                 {"cover", "organs", 1, cases({20.0, std::nullopt})}},
                                "scratch");
  REQUIRE(table.size() == 2);
  CHECK(table[0].row == "scratch");
  CHECK(*table[0].mean == Approx(25.0));
  CHECK(*table[0].spread == Approx(std::sqrt(50.0)));
  CHECK(table[0].seeds == 2);
  CHECK_FALSE(table[0].against_baseline.has_value());
  CHECK(*table[1].mean == Approx(30.0));
  CHECK(*table[1].spread == Approx(std::sqrt(200.0)));
  CHECK(table[1].undefined == 1);
  const auto& paired = table[1].against_baseline.value();
  CHECK(paired.difference == Approx(12.5));
  CHECK(paired.cases == 2);
  // two values: a resampled mean is 10, 12.5 or 15, the extremes with chance 1/4 each
  CHECK(paired.low == Approx(10.0));
  CHECK(paired.high == Approx(15.0));
  CHECK(to_markdown(table, "scratch") ==
        "| pretraining | organs DSC [%] ↑ |\n"
        "|---|---|\n"
        "| scratch | 25.00 ± 7.07 |\n"
        "| cover | 30.00 ± 14.14 (+12.50 [+10.00, +15.00]) |\n"
        "\n"
        "Mean over cases, then over 2 seeds, ± standard deviation over seeds. In brackets: "
        "difference to scratch, paired by case, with its 95 % bootstrap interval over cases.\n"
        "cover, organs DSC [%] ↑: 1 undefined values are left out.\n");
  const auto json = nlohmann::json::parse(to_json(table, "scratch"));
  CHECK(json.at("baseline") == "scratch");
  CHECK(json.at("entries")[1].at("against_baseline").at("difference") == 12.5);
}

TEST_CASE("a metric of all cases together is a value of the set", "[measure]") {
  const covector::testing::ScratchFolder folder;
  const auto measurement = ranked({60, 100});
  CHECK(measurement.is_of_set("AUC"));
  CHECK_FALSE(measurement.is_of_set("accuracy"));
  CHECK(*mean_of(measurement, "AUC").value == 80.0);
  CHECK(mean_of(measurement, "AUC").defined == 2);
  CHECK(*mean_of_label(measurement, "AUC", "mass").value == 80.0);
  CHECK(by_case(measurement, "AUC") == std::map<std::string, double>{{"0", 60}, {"1", 100}});
  CHECK(by_case(measurement, "accuracy") == std::map<std::string, double>{{"0", 100}, {"1", 0}});
  CHECK(to_text(measurement) == "AUC 80 % (95 % interval 62.5 to 97.5)\naccuracy 50 %");
  const auto text = to_json(measurement, "last", 7);
  const auto json = nlohmann::json::parse(text);
  CHECK(json.at("set") == nlohmann::json::parse(R"([{"metric": "AUC", "label": "mass",
    "value": 80.0, "low": 62.5, "high": 97.5, "contributions": [60.0, 100.0]}])"));
  CHECK(json.at("summary").at(0) == nlohmann::json::parse(R"({"metric": "AUC", "label": "",
    "mean": 80.0, "defined": 2, "undefined": 0})"));
  CHECK(json.at("cases").at(1) == nlohmann::json::parse(R"({"id": "1", "truth": "normal",
    "prediction": "mass", "values": [
      {"metric": "score", "label": "mass", "value": 0.75},
      {"metric": "accuracy", "label": "normal", "value": 0.0}]})"));
  std::ofstream(folder.path() / "metrics.json") << text;
  CHECK(to_json(read_measurement(folder.path() / "metrics.json"), "last", 7) == text);
}

TEST_CASE("a metric of the set with a label that lacks a value has no mean", "[measure]") {
  auto measurement = ranked({60, 100});
  measurement.set.push_back({"AUC", "cyst", {}, {}, {}, "no case is of the class", {}});
  CHECK_FALSE(mean_of(measurement, "AUC").value);
  CHECK(mean_of(measurement, "AUC").undefined == 2);
  CHECK(*mean_of_label(measurement, "AUC", "mass").value == 80.0);
  CHECK(by_case(measurement, "AUC").empty());
  CHECK(to_text(measurement) == "AUC undefined: no case is of the class (cyst)\naccuracy 50 %");
  // Two labels with values: their mean, and no interval, for that of a mean is not known.
  measurement.set[1] = {"AUC", "cyst", 90.0, 85.0, 95.0, "", {80, 100}};
  CHECK(to_text(measurement) == "AUC 85 %\naccuracy 50 %");
  CHECK(by_case(measurement, "AUC") == std::map<std::string, double>{{"0", 70}, {"1", 100}});
  measurement.set.pop_back();
  measurement.set[0].low.reset();
  measurement.set[0].note = "no interval: too few";
  CHECK(to_text(measurement) == "AUC 80 % (no interval: too few)\naccuracy 50 %");
}

TEST_CASE("a metric of the set in a benchmark's table is paired by contributions", "[table]") {
  // scratch 60 from (50, 70), cover 80 from (60, 100): differences 10 and 30, whose resampled means
  // are 10, 20 and 30.
  const auto table = make_table(
      {{"scratch", "mass", 0, ranked({50, 70})}, {"cover", "mass", 0, ranked({60, 100})}},
      "scratch");
  REQUIRE(table.size() == 4);
  CHECK(table[2].metric.name == "AUC");
  CHECK(table[2].of_set);
  CHECK_FALSE(table[3].of_set);
  CHECK(*table[2].mean == 80.0);
  const auto& paired = table[2].against_baseline.value();
  CHECK(paired.difference == 20.0);
  CHECK(paired.low == 10.0);
  CHECK(paired.high == 30.0);
  CHECK_THAT(
      to_markdown(table, "scratch"),
      Catch::Contains("| cover | 80.00 (+20.00 [+10.00, +30.00]) | 50.00 (+0.00") &&
          Catch::Contains("\nmass AUC [%] ↑ is of all cases together, no mean over them.\n"));
  CHECK(nlohmann::json::parse(to_json(table, "scratch")).at("entries")[2].at("of_set") == true);
  // Sets that differ are not paired: a contribution is one to the whole set.
  auto other = ranked({60, 100});
  other.cases[1].id = "another";
  CHECK_FALSE(make_table({{"scratch", "mass", 0, ranked({50, 70})}, {"cover", "mass", 0, other}},
                         "scratch")[2]
                  .against_baseline);
}

TEST_CASE("a metric without any value is named below the table", "[table][measure]") {
  auto measurement = cases({1.0, 2.0});
  measurement.metrics.push_back({"HD95", "mm", false});
  for (auto& result : measurement.cases) result.values.push_back({"HD95", "", {}, "no spacing"});
  CHECK(to_markdown(make_table({{"a", "t", 5, measurement}}, ""), "") ==
        "| pretraining | t DSC [%] ↑ |\n|---|---|\n| a | 1.50 |\n\n"
        "Mean over cases, then over 1 seed.\nt HD95 [mm] ↓ is undefined in every case.\n");
  CHECK(to_text(measurement) == "DSC 1.5 %\nHD95 undefined in every case");
}

TEST_CASE("one seed has no spread", "[table]") {
  const auto table = make_table({{"a", "t", 5, cases({1.0})}}, "");
  CHECK_FALSE(table.at(0).spread.has_value());
  CHECK(to_markdown(table, "") ==
        "| pretraining | t DSC [%] ↑ |\n|---|---|\n| a | 1.00 |\n\n"
        "Mean over cases, then over 1 seed.\n");
}

TEST_CASE("the bootstrap interval nears that of the normal law", "[table]") {
  // 400 values, half 0 and half 1: the mean has standard error 0.5 / 20, so 0.5 +- 1.96 * 0.025
  std::vector<double> values(400);
  for (std::size_t i = 0; i < 200; ++i) values[i] = 1.0;
  const auto [low, high] = bootstrap_interval(values);
  CHECK(low == Approx(0.451).margin(0.004));
  CHECK(high == Approx(0.549).margin(0.004));
}
