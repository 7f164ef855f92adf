#include "benchmark_files.h"

#include "benchmark_table.h"
#include "covector/core/error.h"
#include "run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace covector {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

const char* const kPlan = "plan.json";

/// A cell's recipe without where its pretraining lies, which follows from the benchmark's folder.
std::string recipe_text(const Cell& cell) {
  auto table = cell.recipe.table;
  std::erase_if(table.entries, [](const auto& entry) { return entry.first == "pretrained"; });
  return to_toml_document(table);
}

Json json_of(const Cell& cell) {
  Json json{{"name", cell.name}, {"pretraining", cell.row}};
  if (!cell.backbone.empty()) json["backbone"] = cell.backbone;
  if (!cell.is_pretraining()) {
    json["task"] = cell.column;
    json["builds_on"] = cell.builds_on;
  }
  json["seed"] = cell.seed;
  json["recipe"] = recipe_text(cell);
  return json;
}

Cell cell_of(const Json& json, const fs::path& output) {
  Cell cell;
  cell.name = json.at("name");
  cell.row = json.at("pretraining");
  cell.backbone = json.value("backbone", "");
  cell.column = json.value("task", "");
  cell.builds_on = json.value("builds_on", "");
  cell.seed = json.at("seed");
  cell.folder = output / cell.name;
  cell.recipe.file = output / kPlan;
  cell.recipe.table = parse_toml(json.at("recipe").get<std::string>(), cell.recipe.file.string());
  if (!cell.is_pretraining())
    cell.recipe.table.set("pretrained", OptionTable{{"run", (output / cell.builds_on).string()}});
  return cell;
}

Json json_of(const PublishedValue& value) {
  return {{"row", value.row},       {"backbone", value.backbone}, {"task", value.task},
          {"metric", value.metric}, {"value", value.value},       {"source", value.source}};
}

PublishedValue published_of(const Json& json) {
  return {json.at("row"),    json.at("backbone"), json.at("task"),
          json.at("metric"), json.at("value"),    json.at("source")};
}

bool is_older(const fs::path& table, const BenchmarkPlan& plan) {
  std::error_code absent;
  const auto written = fs::last_write_time(table, absent);
  if (absent) return true;
  for (const auto& cell : plan.cells) {
    const auto changed = fs::last_write_time(cell.folder / "status.json", absent);
    if (!absent && changed >= written) return true;
  }
  return false;
}

void open_plugins(const BenchmarkPlan& plan, PluginLoader& loader) {
  for (const auto& cell : plan.cells)
    for (const auto* kind : {"method", "dataset"})
      if (const auto* part = cell.recipe.table.find(kind))
        loader.provide(kind, *part->as_table()->find("type")->as_string());
}

}  // namespace

BenchmarkLock::BenchmarkLock(const fs::path& output) {
  std::error_code failure;
  fs::create_directories(output, failure);
  const auto name = output / ".lock";
  if (!failure) file_ = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0)
    throw Error("cannot write in the folder " + output.string() + ": " +
                (failure ? failure.message() : std::strerror(errno)));
  while (flock(file_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

BenchmarkLock::~BenchmarkLock() {
  close(file_);
}

void write_plan(const BenchmarkPlan& plan, const fs::path& output) {
  Json json{{"recipe", fs::absolute(plan.recipe).string()}, {"baseline", plan.baseline}};
  json["published"] = Json::array();
  for (const auto& value : plan.published.values) json["published"].push_back(json_of(value));
  json["cells"] = Json::array();
  for (const auto& cell : plan.cells) json["cells"].push_back(json_of(cell));
  const BenchmarkLock lock(output);
  write_text(output / kPlan, json.dump(2) + "\n");
}

BenchmarkPlan read_plan_file(const fs::path& output) {
  const auto path = output / kPlan;
  std::ifstream file(path);
  if (!file)
    throw Error("there is no " + path.string() +
                ", so this is no folder of a benchmark that has begun; name one, or its recipe");
  try {
    const auto json = Json::parse(file);
    BenchmarkPlan plan;
    plan.recipe = json.at("recipe").get<std::string>();
    plan.baseline = json.at("baseline");
    for (const auto& value : json.at("published"))
      plan.published.values.push_back(published_of(value));
    for (const auto& cell : json.at("cells")) plan.cells.push_back(cell_of(cell, output));
    return plan;
  } catch (const nlohmann::json::exception& error) {
    throw Error("cannot read " + path.string() + ": " + error.what());
  }
}

void update_tables(const BenchmarkPlan& plan, const fs::path& output, const Registries& registries,
                   std::ostream& out) {
  const BenchmarkLock lock(output);
  write_tables(plan, output, registries, out);
}

void update_table(const fs::path& output, Registries& registries, PluginLoader& loader) {
  const auto plan = read_plan_file(output);
  if (!is_older(output / "table.json", plan)) return;
  open_plugins(plan, loader);
  std::ostringstream printed;
  update_tables(plan, output, registries, printed);
}

}  // namespace covector
