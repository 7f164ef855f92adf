#include "run.h"

#include "covector/core/error.h"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace covector::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::optional<std::string> text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

/// The JSON of a file of the run; what is wrong with it is added to the problems.
std::optional<Json> json_of(Run& run, const char* name) {
  const auto text = text_of(run.folder / name);
  if (!text) {
    run.problems.push_back(fmt::format("{} is missing", name));
    return std::nullopt;
  }
  auto json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  run.problems.push_back(fmt::format("{} is not complete JSON", name));
  return std::nullopt;
}

std::string string_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : json.dump();
}

void read_recipe(Run& run) {
  run.recipe = text_of(run.folder / "recipe.toml").value_or("");
  toml::table recipe;
  try {
    recipe = toml::parse(run.recipe);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    run.problems.push_back(
        fmt::format("recipe.toml:{}:{}: {}", at.line, at.column, std::string(error.description())));
    return;
  }
  const auto get = [&](const char* path) { return recipe.at_path(path).value_or(std::string()); };
  run.kind = get("kind");
  run.part = get(run.kind == "adapt" ? "task.type" : "method.type");
  run.backbone = get("backbone.type");
  run.dataset = get("dataset.type");
  run.pretrained_from = get("pretrained.run");
  run.seed = recipe["seed"].value_or(std::int64_t{0});
}

void read_status(Run& run) {
  const auto json = json_of(run, "status.json");
  if (!json) return;
  run.state = json->value("state", "none");
  run.error = json->value("error", "");
  run.step = json->value("step", std::int64_t{0});
  run.steps = json->value("steps", std::int64_t{0});
}

void read_log(Run& run) {
  std::ifstream in(run.folder / "log.jsonl");
  if (!in) {
    run.problems.push_back("log.jsonl is missing");
    return;
  }
  std::size_t torn = 0;
  for (std::string text; std::getline(in, text);) {
    const auto line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) {
      ++torn;
      continue;
    }
    for (const auto& item : line.items())
      if (item.key() != "step" && item.key() != "time" && item.value().is_number())
        run.log[item.key()].push_back({line["step"].get<double>(), item.value().get<double>()});
  }
  if (torn > 0)
    run.problems.push_back(fmt::format("log.jsonl has {} lines that cannot be read", torn));
  const auto trains_nothing = run.state == "finished" && run.steps == 0;
  if (run.log.empty() && !trains_nothing) run.problems.push_back("log.jsonl holds no numbers yet");
}

std::optional<double> number_in(const Json& row, const char* key) {
  if (!row.contains(key) || !row.at(key).is_number()) return std::nullopt;
  return row.at(key).get<double>();
}

void read_case(Run& run, const Json& one) {
  for (const auto& row : one.at("values"))
    run.values.push_back({one.at("id"), row.at("metric"), row.at("label"), number_in(row, "value"),
                          row.value("note", std::string())});
  if (one.contains("truth"))
    run.called[one.at("id")] = {one.at("truth"), one.value("prediction", std::string())};
}

void read_metrics(Run& run) {
  const auto json = json_of(run, "metrics.json");
  if (!json) return;
  for (const auto& metric : json->at("metrics"))
    run.metrics.push_back({metric.at("name"), metric.at("unit"), metric.at("higher_is_better")});
  for (const auto& row : json->value("set", Json::array()))
    run.set.push_back({row.at("metric"), row.at("label"), number_in(row, "value"),
                       number_in(row, "low"), number_in(row, "high"),
                       row.value("note", std::string())});
  for (const auto& one : json->at("cases")) read_case(run, one);
  if (run.metrics.empty()) run.problems.push_back("metrics.json names no metric");
}

/// In the order of pictures.json; pictures it does not list follow by name.
std::vector<Picture> pictures_in(Run& run, const fs::path& folder) {
  std::vector<Picture> pictures;
  if (const auto text = text_of(folder / "pictures.json")) {
    const auto json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_array())
      run.problems.push_back(
          fmt::format("{}/pictures.json is not complete JSON", folder.filename().string()));
    for (const auto& row : json.is_array() ? json : Json::array()) {
      const fs::path file = folder / row.value("file", "");
      // Only what lies in the folder: a list is data, not a way to read other files.
      if (fs::path(row.value("file", "")).has_parent_path() || !fs::is_regular_file(file))
        run.problems.push_back(fmt::format("{}/{}, which pictures.json lists, is missing",
                                           folder.filename().string(), row.value("file", "")));
      else
        pictures.push_back({file, row.value("title", file.stem().string())});
    }
  }
  std::vector<Picture> others;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto listed = std::any_of(pictures.begin(), pictures.end(),
                                    [&](const auto& p) { return p.file == entry.path(); });
    if (entry.path().extension() == ".png" && !listed)
      others.push_back({entry.path(), entry.path().stem().string()});
  }
  std::sort(others.begin(), others.end(),
            [](const auto& a, const auto& b) { return a.file < b.file; });
  pictures.insert(pictures.end(), others.begin(), others.end());
  return pictures;
}

void read_pictures(Run& run) {
  if (!fs::is_directory(run.folder / "images")) return;
  for (const auto& entry : fs::directory_iterator(run.folder / "images")) {
    const auto name = entry.path().filename().string();
    if (!entry.is_directory() || name.rfind("step-", 0) != 0) continue;
    const auto digits = name.substr(5);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    auto pictures = pictures_in(run, entry.path());
    if (!pictures.empty()) run.pictures.push_back({std::stoll(digits), std::move(pictures)});
  }
  std::sort(run.pictures.begin(), run.pictures.end(),
            [](const auto& a, const auto& b) { return a.step < b.step; });
}

void read_provenance(Run& run) {
  if (const auto json = json_of(run, "environment.json"); json && json->is_object())
    for (const auto& item : json->items()) {
      if (item.key() == "skipped" && item.value().is_array())
        for (const auto& file : item.value()) run.skipped.push_back(string_of(file));
      else
        run.environment.emplace_back(item.key(), string_of(item.value()));
    }
  if (const auto json = json_of(run, "plugins.json"); json && json->is_array())
    for (const auto& plugin : *json) {
      run.plugins.push_back(plugin.value("name", "?") + " " + plugin.value("version", ""));
      if (plugin.contains("reconstructions"))
        run.reconstruction += plugin.at("reconstructions").value(run.part, "");
    }
}

}  // namespace

bool is_of_set(const Run& run, const std::string& metric) {
  return std::any_of(run.set.begin(), run.set.end(),
                     [&](const SetValue& value) { return value.metric == metric; });
}

bool is_run(const fs::path& folder) {
  return fs::is_regular_file(folder / "recipe.toml");
}

Run read_run(const fs::path& folder) {
  if (!is_run(folder))
    throw DataError(folder.string() +
                    ": is no run folder, for it holds no recipe.toml; give the folder that "
                    "'covector run' wrote");
  Run run;
  run.folder = folder;
  read_recipe(run);
  read_status(run);
  read_log(run);
  try {
    if (run.kind == "adapt" && run.state == "finished") read_metrics(run);
  } catch (const nlohmann::json::exception& error) {
    run.metrics.clear();
    run.values.clear();
    run.set.clear();
    run.called.clear();
    run.problems.push_back(fmt::format("metrics.json is not what a run writes: {}", error.what()));
  }
  read_pictures(run);
  read_provenance(run);
  return run;
}

std::vector<Point> thinned(const std::vector<Point>& points, std::size_t buckets) {
  if (points.size() <= 2 * buckets) return points;
  std::vector<Point> out;
  for (std::size_t b = 0; b < buckets; ++b) {
    const auto begin = points.begin() + static_cast<std::ptrdiff_t>(points.size() * b / buckets);
    const auto end =
        points.begin() + static_cast<std::ptrdiff_t>(points.size() * (b + 1) / buckets);
    auto [low, high] = std::minmax_element(
        begin, end, [](const Point& x, const Point& y) { return x.value < y.value; });
    if (low > high) std::swap(low, high);
    out.push_back(*low);
    if (low != high) out.push_back(*high);
  }
  return out;
}

}  // namespace covector::report
