#include "analysis/analyses.h"

#include "covector/core/error.h"
#include "covector/core/statistics.h"
#include "measure.h"

#include <map>

namespace covector::analysis {
namespace {

using Json = nlohmann::ordered_json;

/// The scores of the cases that both runs have one of.
struct Scores {
  std::vector<double> first, second;
};

Scores common(const std::map<std::string, double>& first,
              const std::map<std::string, double>& second) {
  Scores scores;
  for (const auto& [id, value] : first) {
    const auto other = second.find(id);
    if (other == second.end()) continue;
    scores.first.push_back(value);
    scores.second.push_back(other->second);
  }
  return scores;
}

Json points_of(const Scores& scores) {
  auto points = Json::array();
  for (std::size_t i = 0; i < scores.first.size(); ++i)
    points.push_back({scores.first[i], scores.second[i], 0});
  return points;
}

struct Scored {
  std::string name, metric, axis;
  std::map<std::string, double> by_case;
};

Scored scored(const NamedRun& run) {
  const auto measurement = read_measurement(run.folder / "metrics.json");
  if (measurement.metrics.empty())
    throw Error((run.folder / "metrics.json").string() + " names no metric");
  const auto& metric = measurement.metrics.front();
  return {run.name, metric.name,
          metric.name + (metric.unit.empty() ? "" : " [" + metric.unit + "]") + ", " + run.name,
          by_case(measurement, metric.name)};
}

}  // namespace

Result test_retest(const Request& request) {
  Result result{"test-retest", "Test-retest: the same cases with two seeds", {}, "scatter", {}, {}};
  result.about =
      "Scores of the same test cases after two runs that differ in their seed alone; each point is "
      "a case. r is Pearson's correlation, p the two-sided probability of one as far from 0 where "
      "there is none. Of a metric of all cases together, such as an area under a curve, a case's "
      "score is its contribution.";
  result.table.columns = {"task", "pretraining", "metric", "runs", "cases", "r", "p"};
  auto panels = Json::array();
  for (const auto& group : repetitions(request.folders)) {
    std::vector<Scored> runs;
    for (const auto& run : group.runs) runs.push_back(scored(run));
    for (std::size_t a = 0; a < runs.size(); ++a)
      for (auto b = a + 1; b < runs.size(); ++b) {
        if (runs[a].metric != runs[b].metric)
          throw RecipeError(runs[a].name + " is scored by " + runs[a].metric + ", " + runs[b].name +
                            " by " + runs[b].metric + ": not the same task");
        const auto scores = common(runs[a].by_case, runs[b].by_case);
        std::optional<Correlation> found;
        if (scores.first.size() > 1) found = pearson(scores.first, scores.second);
        const auto pair = runs[a].name + " and " + runs[b].name;
        const auto cases = static_cast<double>(scores.first.size());
        result.table.rows.push_back({group.column, group.row, runs[a].metric, pair, cases,
                                     found ? std::optional(found->r) : std::nullopt,
                                     found ? std::optional(found->p) : std::nullopt});
        if (a > 0 || b > 1) continue;  // the others are in the table
        panels.push_back({{"title", group.column + ", " + group.row},
                          {"note", found ? "r = " + std::to_string(found->r).substr(0, 6)
                                         : std::string("r is not defined: scores do not vary")},
                          {"x", runs[a].axis},
                          {"y", runs[b].axis},
                          {"line", "identity"},
                          {"points", points_of(scores)}});
      }
  }
  result.drawing["classes"] = std::vector<std::string>{"case"};
  result.drawing["panels"] = std::move(panels);
  return result;
}

}  // namespace covector::analysis
