#include "result_table.h"

#include <nlohmann/json.hpp>

#include <fstream>

namespace covector::report {
namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number_in(const Json& json, const char* key) {
  if (!json.contains(key) || json.at(key).is_null()) return std::nullopt;
  return json.at(key).get<double>();
}

ResultEntry entry_of(const Json& json) {
  ResultEntry entry;
  entry.row = json.at("pretraining");
  entry.backbone = json.value("backbone", "");
  entry.task = json.at("task");
  entry.metric = json.at("metric");
  entry.unit = json.at("unit");
  entry.higher_is_better = json.at("higher_is_better");
  entry.main = json.at("main");
  entry.mean = number_in(json, "mean");
  entry.spread = number_in(json, "spread");
  entry.seeds = json.at("seeds");
  entry.cases = json.at("cases");
  if (json.contains("interval"))
    entry.interval = Bounds{json.at("interval").at(0), json.at("interval").at(1)};
  if (json.contains("against_baseline")) {
    const auto& paired = json.at("against_baseline");
    entry.difference = paired.at("difference").get<double>();
    entry.difference_interval = {paired.at("low"), paired.at("high")};
    entry.difference_cases = paired.at("cases");
  }
  entry.p_value = number_in(json, "p_value");
  entry.published = number_in(json, "published");
  entry.state = json.value("state", "");
  entry.mark = json.value("protocol", "");
  return entry;
}

ResultAverage average_of(const Json& json) {
  ResultAverage average;
  average.row = json.at("pretraining");
  average.backbone = json.value("backbone", "");
  average.over = json.at("over");
  average.unit = json.at("unit");
  average.higher_is_better = json.at("higher_is_better");
  average.mean = number_in(json, "mean");
  average.difference = number_in(json, "difference");
  average.published = number_in(json, "published");
  average.missing = json.at("missing").get<std::vector<std::string>>();
  average.marks = json.at("protocol").get<std::vector<std::string>>();
  return average;
}

}  // namespace

ResultTable read_result_table(const std::filesystem::path& file) {
  std::ifstream in(file);
  const auto json = Json::parse(in);
  ResultTable table;
  table.benchmark = std::filesystem::weakly_canonical(file).parent_path().filename().string();
  table.baseline = json.at("baseline");
  table.sources = json.at("published").get<std::vector<std::string>>();
  for (const auto& row : json.at("rows"))
    table.rows.push_back({row.at("pretraining"), row.value("backbone", ""), row.value("family", ""),
                          row.value("note", "")});
  for (const auto& column : json.at("columns")) table.tasks.push_back(column.at("task"));
  for (const auto& entry : json.at("entries")) table.entries.push_back(entry_of(entry));
  for (const auto& average : json.at("averages")) table.averages.push_back(average_of(average));
  for (const auto& footnote : json.at("protocols"))
    table.footnotes.push_back({footnote.at("mark"), footnote.at("differences")});
  return table;
}

}  // namespace covector::report
