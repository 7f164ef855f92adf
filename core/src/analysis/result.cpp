#include "analysis/result.h"

#include "covector/core/error.h"
#include "run_folder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace covector::analysis {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Table::Cell& cell) {
  if (!cell.is_number) return cell.text;
  return cell.number && std::isfinite(*cell.number) ? Json(*cell.number) : Json();
}

Json json_of(const Table& table) {
  auto rows = Json::array();
  for (const auto& row : table.rows) {
    auto cells = Json::array();
    for (const auto& cell : row) cells.push_back(json_of(cell));
    rows.push_back(std::move(cells));
  }
  return {{"columns", table.columns}, {"rows", std::move(rows)}};
}

std::string text_of(const Table::Cell& cell) {
  if (!cell.is_number) return cell.text;
  if (!cell.number || !std::isfinite(*cell.number)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", *cell.number);
  return text;
}

}  // namespace

std::filesystem::path write(const Result& result, const std::filesystem::path& folder) {
  Json document{{"title", result.title}, {"about", result.about}, {"kind", result.kind}};
  document.update(result.drawing);
  if (!result.table.columns.empty()) document["table"] = json_of(result.table);
  const auto file = folder / "analysis" / (result.name + ".json");
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) throw Error("cannot make " + file.parent_path().string() + ": " + error.message());
  write_text(file, document.dump(1) + "\n");
  return file;
}

std::string to_text(const Table& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const auto& row : table.rows) {
    lines.emplace_back();
    for (const auto& cell : row) lines.back().push_back(text_of(cell));
  }
  std::vector<std::size_t> widths(table.columns.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i)
      text +=
          line[i] + (i + 1 < line.size() ? std::string(widths[i] - line[i].size() + 2, ' ') : "");
    text += "\n";
  }
  return text;
}

}  // namespace covector::analysis
