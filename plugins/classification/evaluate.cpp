#include "classification.h"
#include "covector/losses/classification_score.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::classification {
namespace {

double score_of(const CaseResult& result, const std::string& label) {
  const auto hit = std::find_if(result.values.begin(), result.values.end(), [&](const auto& v) {
    return v.metric == "score" && v.label == label;
  });
  return hit->value.value();
}

SetValue set_value(const std::string& metric, const std::string& label,
                   const losses::SetScore& score, const std::string& reason) {
  return {metric,
          label,
          score.percent,
          score.low,
          score.high,
          score.percent ? score.reason : reason,
          score.contributions};
}

}  // namespace

std::vector<Metric> Classification::metrics() const {
  std::vector<Metric> all{{"AUC", "%", true},
                          {"log_loss", "", false},
                          {"accuracy", "%", true},
                          {"balanced_accuracy", "%", true}};
  if (classes_.size() == 2) {
    all.push_back({"sensitivity", "%", true});
    all.push_back({"specificity", "%", true});
  }
  return all;
}

std::int64_t Classification::class_of(const std::optional<at::Tensor>& classes,
                                      const std::string& id) const {
  if (!classes) throw DataError("task 'classification': image '" + id + "' has no class");
  const auto number = classes->flatten()[0].item<std::int64_t>();
  const auto count = static_cast<std::int64_t>(classes_.size());
  if (number < 0 || number >= count)
    throw DataError("task 'classification': image '" + id + "' is of class " +
                    std::to_string(number) + ", but the dataset names " + std::to_string(count) +
                    " classes");
  return number;
}

CaseResult Classification::evaluate(const Batch& batch, const Geometry&) {
  const auto& id = batch.ids.at(0);
  const auto truth = class_of(batch.image_class, id);
  const auto scores = log_scores(batch.image)[0];
  const auto called = scores.argmax().item<std::int64_t>();
  const auto& name = classes_[static_cast<std::size_t>(truth)];
  CaseResult result{id, {}, name, classes_[static_cast<std::size_t>(called)]};
  for (std::size_t k = 0; k < classes_.size(); ++k)
    result.values.push_back(
        {"score", classes_[k], scores[static_cast<std::int64_t>(k)].exp().item<double>(), ""});
  result.values.push_back({"log_loss", "", -scores[truth].item<double>(), ""});
  result.values.push_back({"accuracy", name, called == truth ? 100.0 : 0.0, ""});
  return result;
}

std::vector<SetValue> Classification::evaluate_set(const std::vector<CaseResult>& cases) const {
  const bool two = classes_.size() == 2;
  std::vector<SetValue> values;
  for (std::size_t k = 0; k < classes_.size(); ++k) {
    const auto& name = classes_[k];
    std::vector<double> scores;
    std::vector<bool> is, is_not, right;
    for (const auto& result : cases) {
      scores.push_back(score_of(result, name));
      is.push_back(result.truth == name);
      is_not.push_back(result.truth != name);
      right.push_back((result.truth == name) == (result.prediction == name));
    }
    const auto found = losses::share_right(is, right);
    values.push_back(set_value("balanced_accuracy", name, found, "no case is of the class"));
    if (two && k == 0) continue;
    const auto roc = losses::roc_area(scores, is);
    values.push_back(set_value("AUC", name, roc, roc.reason));
    if (!two) continue;
    values.push_back(set_value("sensitivity", name, found, "no case is of the class"));
    values.push_back(set_value("specificity", name, losses::share_right(is_not, right),
                               "every case is of the class"));
  }
  return values;
}

}  // namespace covector::classification
