#include "support/catch.h"

#include "measure.h"
#include "support/scratch_folder.h"

#include <nlohmann/json.hpp>

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

TEST_CASE("a metric without any value is said to be undefined", "[measure]") {
  auto measurement = cases({1.0, 2.0});
  measurement.metrics.push_back({"HD95", "mm", false});
  for (auto& result : measurement.cases) result.values.push_back({"HD95", "", {}, "no spacing"});
  CHECK(to_text(measurement) == "DSC 1.5 %\nHD95 undefined in every case");
}
