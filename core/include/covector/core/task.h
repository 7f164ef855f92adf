#pragma once

#include "covector/core/backbone.h"
#include "covector/core/dataset.h"
#include "covector/core/method.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace covector {

/// A measured quantity.
struct Metric {
  std::string name;  // "DSC", "HD95", "ASSD", "AUC"
  std::string unit;  // "%", "mm", "voxel", "" for none
  bool higher_is_better = true;
};

/// One value of a metric for one case and class. No value means that it is not defined there;
/// `note` says why. Such values are left out of means and counted.
struct CaseValue {
  std::string metric;
  std::string label;  // class name; empty for a value of the case as a whole
  std::optional<double> value;
  std::string note;
};

struct CaseResult {
  std::string id;
  std::vector<CaseValue> values;
};

/// What a task is told about its data.
struct TaskInput {
  InputSpec input;
  std::vector<std::string> classes;  // 0 = background first
};

/// The training images of a task as it will see them, by position.
struct TrainingImages {
  std::int64_t size;
  std::function<Batch(std::int64_t)> get;  // one image, on the device
};

/// A downstream measurement: trains a head, and the backbone unless it is a probe, on labelled
/// images. The backbone, a private copy, is the sub-module "backbone".
class COVECTOR_API Task : public torch::nn::Module {
 public:
  static constexpr std::string_view kind = "task";
  using CreateArgs = std::tuple<std::shared_ptr<Backbone>, const TaskInput&>;
  ~Task() override;

  virtual std::vector<Metric> metrics() const = 0;
  /// The metric that picks the best checkpoint.
  virtual std::string main_metric() const = 0;
  /// The training view, with labels; a recipe may replace its chain under [views.train].
  virtual ViewSpec view() const = 0;
  /// Once, before the first step of a fresh run: statistics of features over the training images.
  /// What it computes is registered as buffers, so that a resumed run does not need it again.
  virtual void begin(const TrainingImages& images);
  /// Parameters to train.
  virtual std::vector<at::Tensor> trained() const = 0;
  virtual StepResult step(View& view) = 0;
  /// Metrics of one labelled case: batch of one image, whole, on the device.
  virtual CaseResult evaluate(const Batch& batch, const Geometry& geometry) = 0;
  /// Pictures of the case (PNG) into `folder`, names starting with the case's id.
  virtual void draw(const Batch& batch, const std::filesystem::path& folder);
  /// Applies the trained network to image files and writes the results in each input's own
  /// geometry. `dataset` prepares a file as the training images were prepared; it need not be open.
  /// @returns the files written, in the order of the inputs
  virtual std::vector<std::filesystem::path> predict(
      const std::vector<std::filesystem::path>& inputs, const std::filesystem::path& output,
      const Dataset& dataset, const at::Device& device) = 0;
};

}  // namespace covector
