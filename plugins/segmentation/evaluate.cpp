#include "covector/datasets/surface_distance.h"
#include "covector/losses/dice_score.h"
#include "segmentation.h"

#include <torch/types.h>

namespace covector::segmentation {
namespace {

void check_labels(const at::Tensor& label, const std::string& id, std::size_t classes) {
  const auto [low, high] = at::aminmax(label);
  const auto worst = low.item<std::int64_t>() < 0 ? low : high;
  const auto value = worst.item<std::int64_t>();
  if (value >= 0 && value < static_cast<std::int64_t>(classes)) return;
  throw DataError("task 'segmentation': case '" + id + "' has label " + std::to_string(value) +
                  ", but the dataset names " + std::to_string(classes) +
                  " classes, background included");
}

// Millimetres and voxels never share a name, and so never a mean.
std::string name_of(const std::string& metric, const std::string& unit) {
  return unit == "voxel" ? metric + "_voxels" : metric;
}

}  // namespace

std::vector<Metric> Segmentation::metrics() const {
  return {{"DSC", "%", true},
          {"HD95", "mm", false},
          {"ASSD", "mm", false},
          {"HD95_voxels", "voxel", false},
          {"ASSD_voxels", "voxel", false}};
}

CaseResult Segmentation::evaluate(const Batch& batch, const Geometry& geometry) {
  const auto& id = batch.ids.at(0);
  check_labelled(batch.label.has_value(), id);
  check_labels(*batch.label, id, classes_.size());
  const auto predicted = segment(batch.image).cpu();
  const auto truth = batch.label->cpu();
  const auto counts = losses::confusion(predicted, truth, class_count());
  CaseResult result{id, {}};
  for (std::size_t i = 1; i < classes_.size(); ++i) {
    const auto label = static_cast<std::int64_t>(i);
    const auto dice = losses::dice_score(counts, label);
    const auto distance = datasets::surface_distances(predicted[0][0] == label,
                                                      truth[0][0] == label, geometry.spacing_mm);
    result.values.push_back({"DSC", classes_[i], dice.percent, dice.reason});
    result.values.push_back(
        {name_of("HD95", distance.unit), classes_[i], distance.hausdorff_95, distance.note});
    result.values.push_back(
        {name_of("ASSD", distance.unit), classes_[i], distance.average, distance.note});
  }
  return result;
}

}  // namespace covector::segmentation
