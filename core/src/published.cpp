#include "published.h"

#include "recipe.h"

#include <algorithm>

namespace covector {
namespace {

constexpr const char* kSection = "published";

struct RowOptions {
  std::string row;
  std::string backbone;
  std::string source;
  Part values;

  static void describe(Schema<RowOptions>& schema) {
    const auto some = [](const std::string& text) { return !text.empty(); };
    schema.field("row", &RowOptions::row).require(some, "the name of a row");
    schema.field("backbone", &RowOptions::backbone);
    schema.field("source", &RowOptions::source);
    schema.field("values", &RowOptions::values);
    schema.rule([](const RowOptions& o) {
      return o.row.empty() ? "needs 'row', the name of a row" : std::string();
    });
  }
};

struct FileOptions {
  std::string source;
  Part metrics;
  std::vector<RowOptions> rows;

  static void describe(Schema<FileOptions>& schema) {
    schema.field("source", &FileOptions::source);
    schema.field("metrics", &FileOptions::metrics);
    schema.field("rows", &FileOptions::rows);
    schema.rule([](const FileOptions& o) {
      return o.source.empty() ? "needs 'source': the paper and the table" : std::string();
    });
  }
};

std::optional<double> number_in(const OptionValue& value) {
  if (const auto* number = std::get_if<double>(&value.data)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value.data))
    return static_cast<double>(*number);
  return std::nullopt;
}

void add_row(Published& published, const FileOptions& file, const RowOptions& row,
             Problems& problems) {
  for (const auto& [task, value] : row.values.entries) {
    const auto* metric = file.metrics.find(task);
    const auto number = number_in(value);
    if (!metric || !metric->as_string())
      problems.add(
          kSection, value.where,
          "'" + task + "' has no metric; add it to [metrics], such as " + task + " = \"DSC\"");
    else if (!number)
      problems.add(kSection, value.where, "'" + task + "' must be a number, got " + to_toml(value));
    else if (published.find(row.row, row.backbone, task))
      problems.add(kSection, value.where,
                   "a second value of row '" + row.row + "' on '" + task + "'");
    else
      published.values.push_back({row.row, row.backbone, task, *metric->as_string(), *number,
                                  row.source.empty() ? file.source : row.source});
  }
}

}  // namespace

const PublishedValue* Published::find(const std::string& row, const std::string& backbone,
                                      const std::string& task) const {
  const auto found = std::find_if(values.begin(), values.end(), [&](const PublishedValue& value) {
    return value.row == row && value.backbone == backbone && value.task == task;
  });
  return found == values.end() ? nullptr : &*found;
}

Published read_published(const std::filesystem::path& file) {
  const auto table = load_recipe(file).table;
  Problems problems;
  const auto options = schema_of<FileOptions>().parse(table, kSection, problems);
  Published published;
  for (const auto& row : options.rows) add_row(published, options, row, problems);
  problems.raise();
  return published;
}

}  // namespace covector
