#include "table_formats.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace covector {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

std::optional<double> number_in(const Json& json, const char* key) {
  if (!json.contains(key) || json.at(key).is_null()) return std::nullopt;
  return json.at(key).get<double>();
}

void set_words(Json& json, const char* key, const std::string& words) {
  if (!words.empty()) json[key] = words;
}

Json json_of(const TableRow& row) {
  Json json{{"pretraining", row.name}};
  set_words(json, "backbone", row.backbone);
  set_words(json, "family", row.family);
  set_words(json, "note", row.note);
  return json;
}

/// @param note  of its row, repeated for those who read entries alone
Json json_of(const TableEntry& entry, const std::string& note) {
  Json json{{"pretraining", entry.row},
            {"task", entry.column},
            {"metric", entry.metric.name},
            {"unit", entry.metric.unit},
            {"higher_is_better", entry.metric.higher_is_better},
            {"mean", json_of(entry.mean)},
            {"spread", json_of(entry.spread)},
            {"seeds", entry.seeds},
            {"of_set", entry.of_set},
            {"undefined", entry.undefined},
            {"main", entry.main},
            {"cases", entry.cases}};
  if (entry.interval) json["interval"] = {entry.interval->low, entry.interval->high};
  if (const auto& paired = entry.against_baseline) {
    json["against_baseline"] = {{"difference", paired->difference},
                                {"low", paired->low},
                                {"high", paired->high},
                                {"cases", paired->cases}};
    if (paired->p_value) json["p_value"] = *paired->p_value;
  }
  if (entry.published) json["published"] = *entry.published;
  set_words(json, "state", entry.state);
  set_words(json, "protocol", entry.mark);
  set_words(json, "backbone", entry.backbone);
  set_words(json, "note", note);
  return json;
}

Json json_of(const TableAverage& average) {
  Json json{{"pretraining", average.row},
            {"over", average.over},
            {"mean", json_of(average.mean)},
            {"difference", json_of(average.difference)},
            {"published", json_of(average.published)},
            {"unit", average.metric.unit},
            {"higher_is_better", average.metric.higher_is_better},
            {"missing", average.missing},
            {"protocol", average.marks}};
  set_words(json, "backbone", average.backbone);
  return json;
}

std::string note_of(const Table& table, const TableEntry& entry) {
  for (const auto& row : table.rows)
    if (row.name == entry.row && row.backbone == entry.backbone) return row.note;
  return "";
}

TableEntry entry_of(const Json& json) {
  TableEntry entry;
  json.at("pretraining").get_to(entry.row);
  json.at("task").get_to(entry.column);
  entry.metric = {json.at("metric"), json.at("unit"), json.at("higher_is_better")};
  entry.mean = number_in(json, "mean");
  entry.spread = number_in(json, "spread");
  json.at("seeds").get_to(entry.seeds);
  json.at("of_set").get_to(entry.of_set);
  json.at("undefined").get_to(entry.undefined);
  json.at("main").get_to(entry.main);
  json.at("cases").get_to(entry.cases);
  if (json.contains("interval"))
    entry.interval = Interval{json.at("interval").at(0), json.at("interval").at(1)};
  if (json.contains("against_baseline")) {
    const auto& paired = json.at("against_baseline");
    entry.against_baseline = Paired{paired.at("difference"), paired.at("low"), paired.at("high"),
                                    paired.at("cases"), number_in(json, "p_value")};
  }
  entry.published = number_in(json, "published");
  entry.state = json.value("state", "");
  entry.mark = json.value("protocol", "");
  entry.backbone = json.value("backbone", "");
  return entry;
}

TableAverage average_of(const Json& json) {
  TableAverage average{json.at("pretraining"), json.value("backbone", ""), json.at("over")};
  average.mean = number_in(json, "mean");
  average.difference = number_in(json, "difference");
  average.published = number_in(json, "published");
  average.metric = {"", json.at("unit"), json.at("higher_is_better")};
  json.at("missing").get_to(average.missing);
  json.at("protocol").get_to(average.marks);
  return average;
}

}  // namespace

std::string to_json(const Table& table) {
  Json json{{"baseline", table.baseline}, {"published", table.sources}};
  for (const auto* key : {"rows", "columns", "entries", "averages", "protocols"})
    json[key] = Json::array();
  for (const auto& row : table.rows) json["rows"].push_back(json_of(row));
  for (const auto& column : table.columns)
    json["columns"].push_back({{"task", column.name}, {"dimensions", column.dimensions}});
  for (const auto& entry : table.entries)
    json["entries"].push_back(json_of(entry, note_of(table, entry)));
  for (const auto& average : table.averages) json["averages"].push_back(json_of(average));
  for (const auto& footnote : table.footnotes)
    json["protocols"].push_back({{"mark", footnote.mark}, {"differences", footnote.differences}});
  return json.dump(2) + "\n";
}

Table table_of_json(const std::string& text) {
  const auto json = Json::parse(text);
  Table table;
  json.at("baseline").get_to(table.baseline);
  json.at("published").get_to(table.sources);
  for (const auto& row : json.at("rows"))
    table.rows.push_back({row.at("pretraining"), row.value("backbone", ""), row.value("family", ""),
                          row.value("note", "")});
  for (const auto& column : json.at("columns"))
    table.columns.push_back({column.at("task"), column.at("dimensions")});
  for (const auto& entry : json.at("entries")) table.entries.push_back(entry_of(entry));
  for (const auto& average : json.at("averages")) table.averages.push_back(average_of(average));
  for (const auto& footnote : json.at("protocols"))
    table.footnotes.push_back(
        {footnote.at("mark"), footnote.at("differences").get<std::vector<std::string>>()});
  return table;
}

}  // namespace covector
