#include "measure.h"

#include "batches.h"
#include "covector/core/error.h"

#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

namespace covector {
namespace {

using Json = nlohmann::ordered_json;

class Averager {
 public:
  void add(const std::optional<double>& value) {
    if (value) sum_ += *value;
    ++(value ? mean_.defined : mean_.undefined);
  }
  Mean mean() const {
    auto mean = mean_;
    if (mean.defined > 0) mean.value = sum_ / static_cast<double>(mean.defined);
    return mean;
  }

 private:
  Mean mean_;
  double sum_ = 0;
};

std::vector<std::string> labels_of(const Measurement& measurement, const std::string& metric) {
  std::vector<std::string> labels;
  for (const auto& result : measurement.cases)
    for (const auto& value : result.values)
      if (value.metric == metric && !value.label.empty() &&
          std::find(labels.begin(), labels.end(), value.label) == labels.end())
        labels.push_back(value.label);
  return labels;
}

void check_finite(const CaseResult& result) {
  for (const auto& value : result.values)
    if (value.value && !std::isfinite(*value.value))
      throw Error("case " + result.id + ": " + value.metric + " of '" + value.label +
                  "' is not finite; a task must leave such a value undefined");
}

/// A task may list metrics that its data turns out not to have, such as distances in millimetres
/// of images without spacing: where no case so much as mentions one, it was not measured.
void drop_unmeasured(Measurement& measurement) {
  if (measurement.cases.empty()) return;
  std::erase_if(measurement.metrics, [&](const Metric& metric) {
    for (const auto& result : measurement.cases)
      for (const auto& value : result.values)
        if (value.metric == metric.name) return false;
    return true;
  });
}

Json json_of(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json summary_row(const std::string& metric, const std::string& label, const Mean& mean) {
  return {{"metric", metric},
          {"label", label},
          {"mean", json_of(mean.value)},
          {"defined", mean.defined},
          {"undefined", mean.undefined}};
}

Json summary(const Measurement& measurement) {
  Json rows = Json::array();
  for (const auto& metric : measurement.metrics) {
    rows.push_back(summary_row(metric.name, "", mean_of(measurement, metric.name)));
    for (const auto& label : labels_of(measurement, metric.name))
      rows.push_back(
          summary_row(metric.name, label, mean_of_label(measurement, metric.name, label)));
  }
  return rows;
}

}  // namespace

Mean mean_of_case(const CaseResult& result, const std::string& metric) {
  Averager averager;
  for (const auto& value : result.values)
    if (value.metric == metric) averager.add(value.value);
  return averager.mean();
}

Mean mean_of(const Measurement& measurement, const std::string& metric) {
  Averager averager;
  for (const auto& result : measurement.cases) averager.add(mean_of_case(result, metric).value);
  return averager.mean();
}

Mean mean_of_label(const Measurement& measurement, const std::string& metric,
                   const std::string& label) {
  Averager averager;
  for (const auto& result : measurement.cases)
    for (const auto& value : result.values)
      if (value.metric == metric && value.label == label) averager.add(value.value);
  return averager.mean();
}

Measurement measure(Task& task, const Dataset& dataset, const std::vector<std::int64_t>& indices,
                    at::Device device, const std::function<bool()>& keep_going) {
  const torch::NoGradGuard no_grad;
  const auto training = task.is_training();
  task.eval();
  Measurement measurement{task.metrics(), {}};
  for (const auto index : indices) {
    if (!keep_going()) break;
    const auto sample = dataset.get(index);
    measurement.cases.push_back(task.evaluate(stack({sample}, device), sample.geometry));
    check_finite(measurement.cases.back());
  }
  task.train(training);
  drop_unmeasured(measurement);
  return measurement;
}

std::string to_json(const Measurement& measurement, const std::string& weights, std::int64_t step) {
  Json json{{"weights", weights}, {"step", step}, {"metrics", Json::array()}};
  for (const auto& metric : measurement.metrics)
    json["metrics"].push_back({{"name", metric.name},
                               {"unit", metric.unit},
                               {"higher_is_better", metric.higher_is_better}});
  json["summary"] = summary(measurement);
  json["cases"] = Json::array();
  for (const auto& result : measurement.cases) {
    Json values = Json::array();
    for (const auto& value : result.values) {
      Json row{{"metric", value.metric}, {"label", value.label}, {"value", json_of(value.value)}};
      if (!value.note.empty()) row["note"] = value.note;
      values.push_back(std::move(row));
    }
    json["cases"].push_back({{"id", result.id}, {"values", std::move(values)}});
  }
  return json.dump(2) + "\n";
}

Measurement read_measurement(const std::filesystem::path& metrics_file) try {
  std::ifstream file(metrics_file);
  const auto json = Json::parse(file);
  Measurement measurement;
  for (const auto& metric : json.at("metrics"))
    measurement.metrics.push_back(
        {metric.at("name"), metric.at("unit"), metric.at("higher_is_better")});
  for (const auto& one : json.at("cases")) {
    CaseResult result{one.at("id"), {}};
    for (const auto& row : one.at("values")) {
      std::optional<double> value;
      if (row.at("value").is_number()) value = row.at("value").get<double>();
      result.values.push_back(
          {row.at("metric"), row.at("label"), value, row.value("note", std::string())});
    }
    measurement.cases.push_back(std::move(result));
  }
  return measurement;
} catch (const nlohmann::json::exception& error) {
  throw Error("cannot read " + metrics_file.string() + ": " + error.what());
}

std::string to_text(const Measurement& measurement) {
  std::string text;
  for (const auto& metric : measurement.metrics) {
    const auto mean = mean_of(measurement, metric.name);
    text += (text.empty() ? "" : "\n") + metric.name;
    if (!mean.value) {
      text += " undefined in every case";
      continue;
    }
    char number[32];
    std::snprintf(number, sizeof number, " %.4g", *mean.value);
    text += number + (metric.unit.empty() ? "" : " " + metric.unit);
    if (mean.undefined > 0)
      text += " (undefined in " + std::to_string(mean.undefined) + " of " +
              std::to_string(mean.defined + mean.undefined) + " cases)";
  }
  return text;
}

}  // namespace covector
