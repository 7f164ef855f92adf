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
  for (const auto& value : measurement.set)
    if (value.metric == metric && !value.label.empty()) labels.push_back(value.label);
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

void check_finite(const SetValue& value) {
  const auto fine = [](const std::optional<double>& x) { return !x || std::isfinite(*x); };
  if (!fine(value.value) || !fine(value.low) || !fine(value.high))
    throw Error(value.metric + " of '" + value.label +
                "' over all cases is not finite; a task must leave such a value undefined");
}

/// A task may list metrics that its data turns out not to have, such as distances in millimetres
/// of images without spacing: where no case so much as mentions one, it was not measured.
void drop_unmeasured(Measurement& measurement) {
  if (measurement.cases.empty()) return;
  std::erase_if(measurement.metrics, [&](const Metric& metric) {
    if (measurement.is_of_set(metric.name)) return false;
    for (const auto& result : measurement.cases)
      for (const auto& value : result.values)
        if (value.metric == metric.name) return false;
    return true;
  });
}

/// " 81.32 %"
std::string number_text(double value, const Metric& metric) {
  char text[32];
  std::snprintf(text, sizeof text, " %.4g", value);
  return text + (metric.unit.empty() ? "" : " " + metric.unit);
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

Json row_of(const SetValue& value) {
  Json row{{"metric", value.metric}, {"label", value.label}, {"value", json_of(value.value)}};
  if (value.low) row["low"] = *value.low;
  if (value.high) row["high"] = *value.high;
  if (!value.note.empty()) row["note"] = value.note;
  row["contributions"] = value.contributions;
  return row;
}

std::optional<double> number_in(const Json& row, const char* key) {
  if (!row.contains(key) || !row.at(key).is_number()) return std::nullopt;
  return row.at(key).get<double>();
}

SetValue set_value_of(const Json& row) {
  return {row.at("metric"),
          row.at("label"),
          number_in(row, "value"),
          number_in(row, "low"),
          number_in(row, "high"),
          row.value("note", std::string()),
          row.at("contributions").get<std::vector<double>>()};
}

/// The mean over labels of what `get` gives, none unless each label has a value.
template <class Get>
std::optional<double> over_labels(const Measurement& measurement, const std::string& metric,
                                  Get get) {
  double sum = 0, count = 0;
  for (const auto& value : measurement.set) {
    if (value.metric != metric) continue;
    if (!value.value) return std::nullopt;
    sum += get(value);
    count += 1;
  }
  return sum / count;
}

/// A value of the set stands for every case, or for none.
Mean mean_of_set(const Measurement& measurement, const std::optional<double>& value) {
  const auto cases = static_cast<std::int64_t>(measurement.cases.size());
  return {value, value ? cases : 0, value ? 0 : cases};
}

/// "AUC 83.1 % (95 % interval 77.2 to 89)"; why there is no value or interval.
std::string text_of_set(const Measurement& measurement, const Metric& metric) {
  const auto value = mean_of(measurement, metric.name).value;
  std::vector<const SetValue*> values;
  for (const auto& one : measurement.set)
    if (one.metric == metric.name) values.push_back(&one);
  const auto labelled = [](const SetValue& one) {
    return one.note + (one.label.empty() ? "" : " (" + one.label + ")");
  };
  if (!value) {
    std::string text;
    for (const auto* one : values)
      if (!one->value) text += (text.empty() ? " undefined: " : "; ") + labelled(*one);
    return text;
  }
  auto text = number_text(*value, metric);
  if (values.size() > 1) return text;
  const auto& one = *values.front();
  if (one.low && one.high)
    return text + " (95 % interval" + number_text(*one.low, {}) + " to" +
           number_text(*one.high, {}) + ")";
  return one.note.empty() ? text : text + " (" + one.note + ")";
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

bool Measurement::is_of_set(const std::string& metric) const {
  return std::any_of(set.begin(), set.end(),
                     [&](const SetValue& value) { return value.metric == metric; });
}

Mean mean_of_case(const CaseResult& result, const std::string& metric) {
  Averager averager;
  for (const auto& value : result.values)
    if (value.metric == metric) averager.add(value.value);
  return averager.mean();
}

Mean mean_of(const Measurement& measurement, const std::string& metric) {
  if (measurement.is_of_set(metric))
    return mean_of_set(
        measurement, over_labels(measurement, metric, [](const auto& one) { return *one.value; }));
  Averager averager;
  for (const auto& result : measurement.cases) averager.add(mean_of_case(result, metric).value);
  return averager.mean();
}

std::map<std::string, double> by_case(const Measurement& measurement, const std::string& metric) {
  std::map<std::string, double> values;
  const bool of_set = measurement.is_of_set(metric);
  for (std::size_t i = 0; i < measurement.cases.size(); ++i) {
    const auto& result = measurement.cases[i];
    const auto value = of_set
                           ? over_labels(measurement, metric,
                                         [&](const auto& one) { return one.contributions.at(i); })
                           : mean_of_case(result, metric).value;
    if (value) values[result.id] = *value;
  }
  return values;
}

Mean mean_of_label(const Measurement& measurement, const std::string& metric,
                   const std::string& label) {
  for (const auto& value : measurement.set)
    if (value.metric == metric && value.label == label)
      return mean_of_set(measurement, value.value);
  Averager averager;
  for (const auto& result : measurement.cases)
    for (const auto& value : result.values)
      if (value.metric == metric && value.label == label) averager.add(value.value);
  return averager.mean();
}

std::vector<std::int64_t> evenly_spread(const std::vector<std::int64_t>& cases, std::size_t count) {
  count = std::min(count, cases.size());
  std::vector<std::int64_t> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(cases[i * cases.size() / count]);
  return some;
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
    measurement.cases.push_back(task.evaluate(stack({{sample}, device}), sample.geometry));
    check_finite(measurement.cases.back());
  }
  measurement.set = task.evaluate_set(measurement.cases);
  for (const auto& value : measurement.set) check_finite(value);
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
  if (!measurement.set.empty()) json["set"] = Json::array();
  for (const auto& value : measurement.set) json["set"].push_back(row_of(value));
  json["cases"] = Json::array();
  for (const auto& result : measurement.cases) {
    Json values = Json::array();
    for (const auto& value : result.values) {
      Json row{{"metric", value.metric}, {"label", value.label}, {"value", json_of(value.value)}};
      if (!value.note.empty()) row["note"] = value.note;
      values.push_back(std::move(row));
    }
    Json one{{"id", result.id}, {"values", std::move(values)}};
    if (!result.truth.empty()) one["truth"] = result.truth;
    if (!result.prediction.empty()) one["prediction"] = result.prediction;
    json["cases"].push_back(std::move(one));
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
  for (const auto& row : json.value("set", Json::array()))
    measurement.set.push_back(set_value_of(row));
  for (const auto& one : json.at("cases")) {
    CaseResult result{one.at("id"),
                      {},
                      one.value("truth", std::string()),
                      one.value("prediction", std::string())};
    for (const auto& row : one.at("values")) {
      result.values.push_back({row.at("metric"), row.at("label"), number_in(row, "value"),
                               row.value("note", std::string())});
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
    if (measurement.is_of_set(metric.name)) {
      text += text_of_set(measurement, metric);
      continue;
    }
    if (!mean.value) {
      text += " undefined in every case";
      continue;
    }
    text += number_text(*mean.value, metric);
    if (mean.undefined > 0)
      text += " (undefined in " + std::to_string(mean.undefined) + " of " +
              std::to_string(mean.defined + mean.undefined) + " cases)";
  }
  return text;
}

}  // namespace covector
