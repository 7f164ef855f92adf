#include "probe.h"

#include "covector/core/error.h"
#include "measure.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>

namespace covector {
namespace {

constexpr std::size_t kMostImages = 8;
constexpr std::int64_t kFitted = 1000;    // pixels, the same number of each class
constexpr std::int64_t kMeasured = 4000;  // pixels, each class as often as it is

at::Tensor unit(const at::Tensor& rows) {
  return rows / rows.norm(2, {1}, true).clamp_min(1e-12);
}

}  // namespace

void Probe::check(const Dataset& dataset) {
  if (dataset.classes().size() < 2)
    throw RecipeError(
        "loop.probe_every needs labels, and the dataset has none; give it masks, or set it to 0");
  if (dataset.indices(Split::validation).size() < 2)
    throw RecipeError(
        "loop.probe_every needs two validation images, one to fit the probes and one to measure "
        "them; the dataset has " +
        std::to_string(dataset.indices(Split::validation).size()) + ". Set it to 0 to do without");
}

Probe::Probe(const Dataset& dataset, const Backbone& backbone, at::Device device)
    : classes_(static_cast<std::int64_t>(dataset.classes().size())) {
  std::vector<std::int64_t> halves[2];
  for (const auto index : dataset.indices(Split::validation))
    halves[halves[0].size() > halves[1].size()].push_back(index);
  const auto part_of = [&](const std::vector<std::int64_t>& indices, std::int64_t pixels,
                           analysis::Draw draw) {
    Part part;
    std::vector<at::Tensor> labels;
    for (const auto index : evenly_spread(indices, kMostImages)) {
      const auto window = analysis::window_about_label(dataset.get(index), backbone.size_divisor());
      part.windows.push_back(window.image.to(device));
      labels.push_back(analysis::labels_at(*window.label, backbone.strides().back()));
    }
    const auto chosen = analysis::choose_pixels(labels, pixels, draw);
    for (const auto& positions : chosen.positions) part.positions.push_back(positions.to(device));
    part.labels = chosen.labels.to(device);
    return part;
  };
  fitted_ = part_of(halves[0], kFitted, analysis::Draw::evenly);
  measured_ = part_of(halves[1], kMeasured, analysis::Draw::as_they_are);
}

at::Tensor Probe::features_of(Backbone& backbone, const Part& part) const {
  std::vector<at::Tensor> rows;
  for (std::size_t w = 0; w < part.windows.size(); ++w) {
    const auto finest = backbone.pyramid(part.windows[w]).back().flatten(2).squeeze(0);
    rows.push_back(finest.index_select(1, part.positions[w]).t());
  }
  return torch::cat(rows).to(torch::kFloat64);
}

std::map<std::string, double> Probe::measure(Backbone& backbone) const {
  const torch::NoGradGuard no_grad;
  const auto begin = std::chrono::steady_clock::now();
  const bool training = backbone.is_training();
  backbone.eval();  // no running statistic moves
  const auto fitted = features_of(backbone, fitted_);
  const auto measured = features_of(backbone, measured_);
  backbone.train(training);
  const auto dice = [&](const auto& classify) {
    return mean_dice(classify(fitted, fitted_.labels, classes_, measured), measured_.labels,
                     classes_);
  };
  std::map<std::string, double> values{{"probe/linear_dice", dice(ridge_classes)},
                                       {"probe/nearest_dice", dice(nearest_classes)}};
  const auto seconds = std::chrono::steady_clock::now() - begin;
  values["probe/seconds"] = std::chrono::duration<double>(seconds).count();
  return values;
}

at::Tensor ridge_classes(const at::Tensor& features, const at::Tensor& labels, std::int64_t classes,
                         const at::Tensor& queries) {
  const auto mean = features.mean(0, true);
  const auto std = features.std(0, /*unbiased=*/false, /*keepdim=*/true).clamp_min(1e-12);
  const auto z = (features - mean) / std;
  const auto y = torch::one_hot(labels, classes).to(torch::kFloat64);
  const auto penalty = static_cast<double>(features.size(0)) / 1000;
  const auto identity = torch::eye(features.size(1), features.options());
  const auto weights =
      torch::linalg_solve(z.t().mm(z) + penalty * identity, z.t().mm(y - y.mean(0, true)));
  return (((queries - mean) / std).mm(weights) + y.mean(0, true)).argmax(1);
}

at::Tensor nearest_classes(const at::Tensor& features, const at::Tensor& labels,
                           std::int64_t classes, const at::Tensor& queries) {
  const auto near = std::min<std::int64_t>(10, features.size(0));
  const auto similarity = unit(queries).mm(unit(features).t());
  const auto nearest = std::get<1>(similarity.topk(near, 1));
  return torch::one_hot(labels, classes)
      .index_select(0, nearest.flatten())
      .view({queries.size(0), near, classes})
      .sum(1)
      .argmax(1);
}

double mean_dice(const at::Tensor& predicted, const at::Tensor& truth, std::int64_t classes) {
  double sum = 0, labels = 0;
  for (std::int64_t label = 1; label < classes; ++label) {
    const auto a = predicted == label, b = truth == label;
    const auto in_truth = b.sum().item<double>();
    if (in_truth == 0) continue;
    sum += 200 * (a & b).sum().item<double>() / (a.sum().item<double>() + in_truth);
    labels += 1;
  }
  return labels > 0 ? sum / labels : 0;
}

}  // namespace covector
