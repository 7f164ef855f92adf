#include "analysis.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace covector::report {
namespace {

namespace fs = std::filesystem;

Analysis read_analysis(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  Analysis analysis;
  analysis.name = file.stem().string();
  analysis.folder = file.parent_path();
  analysis.text = std::string{std::istreambuf_iterator<char>(in), {}};
  const auto json = nlohmann::json::parse(analysis.text);
  analysis.title = json.at("title");
  analysis.about = json.value("about", "");
  analysis.kind = json.at("kind");
  return analysis;
}

}  // namespace

std::vector<Analysis> read_analyses(const fs::path& benchmark, std::vector<std::string>& problems) {
  std::vector<Analysis> analyses;
  if (!fs::is_directory(benchmark / "analysis")) return analyses;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(benchmark / "analysis"))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) try {
      analyses.push_back(read_analysis(file));
    } catch (const nlohmann::json::exception& error) {
      problems.push_back(file.string() + " cannot be read: " + error.what());
    }
  return analyses;
}

}  // namespace covector::report
