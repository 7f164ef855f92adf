#include "table_formats.h"

#include <charconv>

namespace covector {
namespace {

/// RFC 4180: quoted where it holds a comma, a quotation mark or a line break.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

/// The shortest text that reads back as the same number.
std::string field(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string field(const std::optional<double>& value) {
  return value ? field(*value) : "";
}

std::string line(const std::vector<std::string>& fields) {
  auto text = fields.front();
  for (std::size_t i = 1; i < fields.size(); ++i) text += "," + fields[i];
  return text + "\n";
}

std::string family_of(const Table& table, const std::string& name, const std::string& backbone) {
  for (const auto& row : table.rows)
    if (row.name == name && row.backbone == backbone) return field(row.family);
  return "";
}

std::int64_t dimensions_of(const Table& table, const std::string& name) {
  for (const auto& column : table.columns)
    if (column.name == name) return column.dimensions;
  return 0;
}

std::string line_of(const Table& table, const TableEntry& entry) {
  const auto& paired = entry.against_baseline;
  const auto dimensions = dimensions_of(table, entry.column);
  const auto of_pair = [&](auto get) {
    return paired ? field(static_cast<double>(get(*paired))) : "";
  };
  return line({field(entry.row),
               field(entry.backbone),
               family_of(table, entry.row, entry.backbone),
               field(entry.column),
               dimensions == 0 ? "" : std::to_string(dimensions),
               field(entry.metric.name),
               field(entry.metric.unit),
               entry.metric.higher_is_better ? "higher" : "lower",
               field(entry.mean),
               field(entry.spread),
               entry.interval ? field(entry.interval->low) : "",
               entry.interval ? field(entry.interval->high) : "",
               std::to_string(entry.seeds),
               std::to_string(entry.cases),
               std::to_string(entry.undefined),
               of_pair([](const Paired& p) { return p.difference; }),
               of_pair([](const Paired& p) { return p.low; }),
               of_pair([](const Paired& p) { return p.high; }),
               of_pair([](const Paired& p) { return p.cases; }),
               paired ? field(paired->p_value) : "",
               field(entry.published),
               field(entry.state),
               field(entry.mark)});
}

std::string line_of(const Table& table, const TableAverage& average) {
  std::string marks;
  for (const auto& mark : average.marks) marks += (marks.empty() ? "" : " ") + mark;
  return line({field(average.row),
               field(average.backbone),
               family_of(table, average.row, average.backbone),
               "average over " + average.over,
               "",
               "",
               field(average.metric.unit),
               average.metric.higher_is_better ? "higher" : "lower",
               field(average.mean),
               "",
               "",
               "",
               "",
               "",
               "",
               field(average.difference),
               "",
               "",
               "",
               "",
               field(average.published),
               "",
               marks});
}

}  // namespace

std::string to_csv(const Table& table) {
  std::string text =
      "pretraining,backbone,family,task,dimensions,metric,unit,better,mean,spread,low,high,seeds,"
      "cases,undefined,difference,difference_low,difference_high,pairs,p_value,published,state,"
      "protocol\n";
  for (const auto& entry : table.entries) text += line_of(table, entry);
  for (const auto& average : table.averages) text += line_of(table, average);
  return text;
}

}  // namespace covector
