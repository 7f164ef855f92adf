#include "support/catch.h"

#include "methods/method_runs.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>

namespace covector::testing {
namespace fs = std::filesystem;

const std::vector<std::pair<std::string, std::string>>& methods_and_families() {
  static const std::vector<std::pair<std::string, std::string>> all{
      {"denoising", "GL"},    {"inpainting", "GL"}, {"models_genesis", "GL"}, {"rotation", "GL"},
      {"simsiam", "BCL"},     {"byol", "BCL"},      {"simclr", "BCL"},        {"moco_v2", "BCL"},
      {"deepcluster", "BCL"}, {"vader", "DBCL"},    {"densecl", "DBCL"},      {"setsim", "DBCL"},
      {"dsc_pm", "DBCL"},     {"pixpro", "DBCL"},   {"chaitanya", "DBCL"},    {"gvsl", "VR"},
      {"gemini", "VR"},       {"cover", "VR"}};
  return all;
}

std::vector<std::string> methods() {
  std::vector<std::string> names;
  for (const auto& item : methods_and_families()) names.push_back(item.first);
  return names;
}

fs::path smoke_recipe_of(const std::string& method, int dimensions) {
  return smoke_recipe(method + (dimensions == 3 ? "-3d" : ""));
}

namespace {

std::vector<nlohmann::json> log_lines(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run / "log.jsonl");
  for (std::string text; std::getline(file, text);) lines.push_back(nlohmann::json::parse(text));
  return lines;
}

}  // namespace

std::vector<double> logged(const fs::path& run, const std::string& entry) {
  std::vector<double> values;
  for (const auto& line : log_lines(run))
    if (line.contains(entry)) values.push_back(line.at(entry).get<double>());
  return values;
}

std::vector<std::string> entries_of(const fs::path& run) {
  std::set<std::string> names;
  for (const auto& line : log_lines(run))
    for (const auto& item : line.items()) names.insert(item.key());
  return {names.begin(), names.end()};
}

void check_resumes(const std::string& method, int dimensions) {
  const ScratchFolder folder;
  const auto recipe = smoke_recipe_of(method, dimensions);
  const Words often{"-s", "loop.checkpoint_every=1", "-s", "loop.keep_checkpoints=1000"};
  const auto whole = folder / "whole";
  const auto first = run_to_end(recipe, whole, often);
  INFO(recipe.string() << "\n" << first.output << first.error);
  REQUIRE(first.code == 0);

  // What a run leaves that was killed halfway.
  const auto resumed = folder / "resumed";
  fs::copy(whole, resumed, fs::copy_options::recursive);
  const auto checkpoints = checkpoints_of(resumed);
  const auto middle = checkpoints.size() / 2;
  REQUIRE(middle > 0);
  for (auto i = middle; i < checkpoints.size(); ++i) fs::remove(checkpoints[i]);
  fs::remove(resumed / "status.json");

  const auto second = run_to_end(recipe, resumed, often);
  INFO(second.output << second.error);
  REQUIRE(second.code == 0);
  CHECK_THAT(second.output, Catch::Contains("resuming from step " + std::to_string(middle) + "\n"));
  check_same_run(resumed, whole);
}

}  // namespace covector::testing
