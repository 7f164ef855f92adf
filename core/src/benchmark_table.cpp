#include "benchmark_table.h"

#include "cell_state.h"
#include "covector/core/error.h"
#include "run_folder.h"
#include "table.h"
#include "table_formats.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <ostream>

namespace covector {
namespace {

namespace fs = std::filesystem;

using Writer = std::string (*)(const Table&);

struct Format {
  std::string name;
  std::string file;
  Writer write;
};

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {{"json", "table.json", to_json},
                                          {"markdown", "table.md", to_markdown},
                                          {"csv", "table.csv", to_csv},
                                          {"latex", "table.tex", to_latex},
                                          {"html", "table.html", to_html}};
  return all;
}

/// Why a cell has no measurement, or nothing.
std::string reason_of(const CellState& state, const Cell& cell) {
  if (state.stage != CellStage::done) return to_string(state.stage);
  return fs::exists(cell.folder / "metrics.json") ? "" : "without metrics.json";
}

fs::path pretraining_of(const Cell& cell) {
  const auto* pretrained = cell.recipe.table.find("pretrained");
  return *pretrained->as_table()->find("run")->as_string();
}

std::vector<CellResult> results_of(const BenchmarkPlan& plan) {
  const auto states = states_of(plan);
  std::vector<CellResult> results;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const auto& cell = plan.cells[i];
    if (cell.is_pretraining()) continue;
    CellResult result{cell.row, cell.column,   cell.seed,
                      {},       cell.backbone, reason_of(states[i], cell)};
    if (result.state.empty()) {
      result.measurement = read_measurement(cell.folder / "metrics.json");
      result.protocol = read_protocol(cell.folder, pretraining_of(cell));
    }
    results.push_back(std::move(result));
  }
  return results;
}

const OptionTable& section(const Cell& cell, const char* name) {
  return *cell.recipe.table.find(name)->as_table();
}

/// Family and note of each row's method, dimensions of each column's images.
void describe(Table& table, const BenchmarkPlan& plan, const Registries& registries) {
  std::map<std::string, PartDoc> methods;
  std::map<std::string, std::int64_t> dimensions;
  for (const auto& cell : plan.cells)
    if (cell.is_pretraining()) {
      const auto& type = *section(cell, "method").find("type")->as_string();
      methods.emplace(cell.row, registries.of<Method>().at(type).doc);
    } else if (!dimensions.contains(cell.column)) {
      const auto data = registries.of<Dataset>().create(section(cell, "dataset"), "dataset");
      dimensions[cell.column] = data->input().dimensions;
    }
  for (auto& row : table.rows) {
    row.family = methods.at(row.name).family;
    row.note = methods.at(row.name).reconstruction;
  }
  for (auto& column : table.columns) column.dimensions = dimensions.at(column.name);
}

Table table_of(const BenchmarkPlan& plan, const Registries& registries) {
  auto table = make_table(results_of(plan), plan.baseline);
  describe(table, plan, registries);
  sort_by_family(table);
  add_published(table, plan.published);
  add_averages(table);
  return table;
}

Table read_table(const fs::path& benchmark) {
  const auto path = benchmark / "table.json";
  std::ifstream file(path);
  if (!file)
    throw Error("there is no " + path.string() +
                ": run the benchmark; its table is written as soon as a cell is finished");
  try {
    return table_of_json({std::istreambuf_iterator<char>(file), {}});
  } catch (const nlohmann::json::exception& error) {
    throw Error("cannot read " + path.string() + ": " + error.what());
  }
}

Writer writer_of(const std::string& name) {
  std::string known;
  for (const auto& format : formats()) {
    if (format.name == name) return format.write;
    known += (known.empty() ? "" : ", ") + format.name;
  }
  throw RecipeError("there is no format '" + name + "' of tables; there are " + known);
}

}  // namespace

void write_tables(const BenchmarkPlan& plan, const fs::path& output, const Registries& registries,
                  std::ostream& out) {
  const auto table = table_of(plan, registries);
  for (const auto& format : formats()) write_text(output / format.file, format.write(table));
  out << "\n" << to_markdown(table) << std::flush;
}

std::string table_text(const fs::path& output, const std::string& format) {
  return writer_of(format)(read_table(output));
}

std::string table_text(const std::vector<fs::path>& outputs, const std::string& format) {
  const auto write = writer_of(format);
  std::vector<Table> tables;
  for (const auto& output : outputs) tables.push_back(read_table(output));
  return write(join(tables));
}

}  // namespace covector
