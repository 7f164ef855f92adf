#include "analysis/analyses.h"

#include "benchmark_files.h"
#include "covector/core/error.h"
#include "run_log.h"
#include "table.h"

#include <map>
#include <set>

namespace covector::analysis {
namespace {

using Json = nlohmann::ordered_json;

/// The curves of a run's log whose names begin alike, by the rest of the name.
std::map<std::string, Json> curves_of(const std::filesystem::path& run, const std::string& begin) {
  std::map<std::string, Json> curves;
  for (const auto& [step, values] : read_log(run))
    for (const auto& [name, value] : values)
      if (name.starts_with(begin)) curves[name.substr(begin.size())].push_back({step, value});
  return curves;
}

/// Panels by title, in the order in which they are begun.
class Panels {
 public:
  void add(const std::string& title, const std::string& y, const std::string& line, Json points) {
    auto found = places_.find(title);
    if (found == places_.end()) {
      found = places_.emplace(title, all_.size()).first;
      all_.push_back({{"title", title},
                      {"x", "step"},
                      {"y", y},
                      {"x_log", false},
                      {"y_log", false},
                      {"lines", Json::array()}});
    }
    all_[found->second]["lines"].push_back({{"name", line}, {"points", std::move(points)}});
  }
  const Json& all() const { return all_; }

 private:
  Json all_ = Json::array();
  std::map<std::string, std::size_t> places_;
};

void add_cell(const Cell& cell, const std::string& row, Panels& panels) {
  if (cell.is_pretraining()) {
    for (auto& [phase, points] : curves_of(cell.folder, "loss"))
      panels.add("Pretraining: " + row, "loss", phase.empty() ? "loss" : phase.substr(1),
                 std::move(points));
    return;
  }
  const auto validation = curves_of(cell.folder, "validation/");
  for (const auto& [metric, points] : validation)
    panels.add(cell.column + ": " + metric + " of validation images", metric, row, points);
  if (!validation.empty()) return;
  for (const auto& [phase, points] : curves_of(cell.folder, "loss"))
    panels.add(cell.column + ": training loss", "loss", row + phase, points);
}

}  // namespace

Result convergence(const Request& request) {
  Result result{"convergence", "Convergence in both phases", {}, "curves", {}, {}};
  result.about =
      "Each run's log, of the first seed. Losses of pretraining differ between methods in what "
      "they measure and cannot be compared; how soon each settles can. Of the tasks, what the "
      "validation images score while fine-tuning goes on, or the training loss where none are "
      "looked at.";
  Panels panels;
  std::set<std::string> seen;
  for (const auto& folder : request.folders)
    for (const auto& cell : read_plan_file(folder).cells) {
      const auto row = row_title(cell.row, cell.backbone);
      if (std::filesystem::exists(cell.folder / "log.jsonl") &&
          seen.insert(cell.column + "/" + row).second)
        add_cell(cell, row, panels);
    }
  if (panels.all().empty())
    throw RecipeError("no run of the benchmark has logged a step yet; run its recipe first");
  result.drawing["panels"] = panels.all();
  return result;
}

}  // namespace covector::analysis
