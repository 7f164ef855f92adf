#include "charts.h"

#include "html.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

namespace covector::report {
namespace {

/// Names of a log that belong on one chart.
struct Group {
  const char *title, *about, *unit;
  std::vector<std::pair<const char*, const char*>> names;  // in the log, in the legend
};

const std::vector<Group>& groups() {
  static const std::vector<Group> all{
      {"Loss",
       "What is minimised, and its terms.",
       "",
       {{"loss", "total"},
        {"cover/vector_loss", "vector loss"},
        {"cover/consistency_loss", "consistency loss"},
        {"segmentation/dice_loss", "Dice loss"},
        {"segmentation/cross_entropy", "cross-entropy"}}},
      {"End-point error",
       "Distance between predicted and true displacement.",
       "voxels",
       {{"cover/end_point_error_voxels", "mean over the overlap"}}},
      {"Over-dispersion",
       "1 − cosine between the features of neighbouring voxels: how abruptly the finest map "
       "changes.",
       "",
       {{"cover/neighbour_distance_mean", "mean"},
        {"cover/neighbour_distance_p99", "99th percentile"},
        {"cover/neighbour_distance_within_mean", "mean inside a structure"},
        {"cover/neighbour_distance_across_mean", "mean across a boundary"}}},
      {"Largest vector weight",
       "Of the softmax over the receptive field; 1 is the degenerate case that compares single "
       "voxels.",
       "",
       {{"cover/largest_vector_weight", "largest weight"}}},
      {"Effective rank",
       "Number of directions the features really use.",
       "",
       {{"cover/effective_rank", "effective rank"}}},
      {"Learning rate", "", "", {{"lr", "learning rate"}}},
      {"Gradient norm", "Before clipping.", "", {{"gradient_norm", "gradient norm"}}},
      {"Speed", "", "steps/s", {{"steps_per_second", "speed"}}},
      {"Waiting for data", "Share of the time.", "", {{"data_wait_share", "share"}}},
      {"Memory", "Peak of the process.", "MiB", {{"memory_mib", "memory"}}},
  };
  return all;
}

std::string block(const std::string& heading, const std::string& figures) {
  if (figures.empty()) return {};
  return fmt::format("<h3>{}</h3><div class=\"charts\">{}</div>", escape(heading), figures);
}

/// The collapse monitors: a chart for each measure, a curve for each embedding.
std::string monitor_curves(const Log& log, Charts& charts, std::set<std::string>& shown) {
  static const std::vector<std::array<const char*, 3>> measures{
      {"level", "Collapse level", "0: embeddings spread evenly; 1: all of them equal."},
      {"std", "Embedding spread", "Mean standard deviation of unit embeddings over the crops."},
      {"effective_rank", "Embedding rank", "Number of directions the embeddings really use."},
      {"uniformity", "Uniformity",
       "Log of the mean of exp(−2 distance²) over pairs; 0: collapsed."},
      {"alignment", "Alignment", "Mean squared distance of an embedding in two views."}};
  std::string figures;
  for (const auto& [measure, title, about] : measures) {
    Chart chart{title, about, "", false, {}};
    const auto ending = std::string("/") + measure;
    for (const auto& [name, points] : log) {
      if (!name.starts_with("monitor/") || !name.ends_with(ending)) continue;
      shown.insert(name);
      const auto embedding = name.substr(8, name.size() - 8 - ending.size());
      chart.series.push_back({embedding, thinned(points, charts.buckets()),
                              static_cast<int>(chart.series.size()), false, false});
    }
    figures += charts.add(std::move(chart));
  }
  return figures;
}

/// To six digits, more than a screen shows; each is a byte of the page.
double brief(double value) {
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}

/// The mean over runs at the steps that all of them logged.
std::vector<Point> mean_curve(const std::vector<std::vector<Point>>& curves) {
  std::map<double, std::pair<double, std::size_t>> sums;
  for (const auto& curve : curves)
    for (const auto& point : curve) {
      sums[point.step].first += point.value;
      ++sums[point.step].second;
    }
  std::vector<Point> mean;
  for (const auto& [step, sum] : sums)
    if (sum.second == curves.size())
      mean.push_back({step, sum.first / static_cast<double>(sum.second)});
  return mean;
}

Chart comparison_chart(const Experiment& experiment, const std::string& name, Chart chart,
                       std::size_t buckets) {
  int colour = 0;
  for (const auto& arm : experiment.arms) {
    std::vector<std::vector<Point>> curves;
    for (const auto* placed : arm.runs)
      if (const auto found = placed->run.log.find(name); found != placed->run.log.end())
        curves.push_back(found->second);
    for (const auto& curve : curves)
      if (curves.size() > 1)
        chart.series.push_back(
            {arm.name, thinned(curve, buckets / 2), colour, true, arm.is_baseline});
    if (!curves.empty())
      chart.series.push_back(
          {curves.size() > 1 ? fmt::format("{}, mean of {}", arm.name, curves.size()) : arm.name,
           thinned(mean_curve(curves), buckets), colour, false, arm.is_baseline});
    ++colour;
  }
  return chart;
}

}  // namespace

std::string Charts::add(Chart chart) {
  std::erase_if(chart.series, [](const Series& s) { return s.points.empty(); });
  if (chart.series.empty()) return {};
  charts_.push_back(chart);
  std::string names;
  for (const auto& series : chart.series)
    if (!series.faint) names += (names.empty() ? "" : ", ") + series.name;
  const auto over = chart.scattered ? "" : " over the " + (chart.x == "step" ? "steps" : chart.x);
  return fmt::format(
      "<figure class=\"chart\"><figcaption>{}</figcaption><p>{}</p><div class=\"plot\">"
      "<canvas data-chart=\"{}\" role=\"img\" aria-label=\"{}{}: {}\"></canvas></div></figure>",
      escape(chart.title), escape(chart.about.empty() ? chart.unit : chart.about),
      charts_.size() - 1, escape(chart.title), escape(over), escape(names));
}

std::string Charts::json() const {
  auto all = nlohmann::ordered_json::array();
  for (const auto& chart : charts_) {
    auto series = nlohmann::ordered_json::array();
    for (const auto& one : chart.series) {
      auto points = nlohmann::ordered_json::array();
      for (const auto& point : one.points)
        points.push_back({brief(point.step), brief(point.value)});
      series.push_back({{"name", one.name},
                        {"colour", one.colour},
                        {"faint", one.faint},
                        {"dashed", one.dashed},
                        {"points", std::move(points)}});
    }
    all.push_back({{"title", chart.title},
                   {"unit", chart.unit},
                   {"x", chart.x},
                   {"x_logarithmic", chart.x_logarithmic},
                   {"scattered", chart.scattered},
                   {"logarithmic", chart.logarithmic},
                   {"series", std::move(series)}});
  }
  return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string curves_of(const Run& run, Charts& charts) {
  std::string figures;
  std::set<std::string> shown;
  for (const auto& group : groups()) {
    Chart chart{group.title, group.about, group.unit, false, {}};
    for (const auto& [name, label] : group.names) {
      shown.insert(name);
      if (const auto found = run.log.find(name); found != run.log.end())
        chart.series.push_back({label, thinned(found->second, charts.buckets()),
                                static_cast<int>(chart.series.size()), false, false});
    }
    figures += charts.add(std::move(chart));
  }
  figures += monitor_curves(run.log, charts, shown);
  // What other methods log, under its own name.
  for (const auto& [name, points] : run.log)
    if (!shown.count(name))
      figures += charts.add({name, "", "", false, {{name, thinned(points, charts.buckets())}}});
  return figures;
}

std::string pretraining_curves(const Collection& all, Charts& charts) {
  std::string html;
  for (const auto& placed : all.pretrain) html += block(placed.name, curves_of(placed.run, charts));
  return html;
}

std::string comparison_curves(const Experiment& experiment, Charts& charts) {
  std::set<std::string> names;
  std::map<std::string, std::string> units;
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs) {
      for (const auto& item : placed->run.log)
        if (item.first.starts_with("validation/")) names.insert(item.first);
      for (const auto& metric : placed->run.metrics)
        units["validation/" + metric.name] = metric.unit;
    }
  auto figures = charts.add(comparison_chart(
      experiment, "loss", {"Training loss", "Thin lines are single seeds.", "", false, {}},
      charts.buckets()));
  for (const auto& name : names)
    figures += charts.add(comparison_chart(
        experiment, name,
        {"Validation " + name.substr(11), "On the validation images.", units[name], false, {}},
        charts.buckets()));
  return figures;
}

std::string adaptation_curves(const std::vector<Experiment>& all, Charts& charts) {
  std::string html;
  for (const auto& experiment : all)
    html += block(experiment.name, comparison_curves(experiment, charts));
  return html;
}

}  // namespace covector::report
