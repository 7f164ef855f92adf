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
/// `note` says why. Such values are left out of means and counted. A value under a name that is no
/// metric of the task (a score) is kept with its case and enters no mean.
struct CaseValue {
  std::string metric;
  std::string label;  // class name; empty for a value of the case as a whole
  std::optional<double> value;
  std::string note;
};

struct CaseResult {
  std::string id;
  std::vector<CaseValue> values;
  std::string truth = {};       // class of the case as a whole, where a task deals in those
  std::string prediction = {};  // the class it was given
};

/// A metric of all cases together that is no mean over them: an area under a curve, a share of some
/// of the cases.
struct SetValue {
  std::string metric;
  std::string label;            // class name; empty for a value that belongs to none
  std::optional<double> value;  // none where it is not defined; `note` says why
  std::optional<double> low = {},
                        high = {};  // 95 % confidence interval over cases, if there is one
  std::string note = {};
  /// One a case, in their order. Their mean is the value, and the mean of a resampled set of them
  /// varies as the value does over sets of cases: 1 / n of their variance is the value's. By them
  /// two runs are compared case by case. Empty where there is no value.
  std::vector<double> contributions = {};
};

/// What a task is told about its data.
struct TaskInput {
  InputSpec input;
  std::vector<std::string> classes;  // of voxels, 0 = background first
  std::int64_t batch = 1;            // samples of a forward pass: loop.batch / loop.accumulate
  std::vector<std::string> image_classes = {};  // of images as a whole
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
  /// Parameters to train: by default those that require a gradient.
  virtual std::vector<at::Tensor> trained() const;
  virtual StepResult step(View& view) = 0;
  /// Metrics of one labelled case: batch of one image, whole, on the device.
  virtual CaseResult evaluate(const Batch& batch, const Geometry& geometry) = 0;
  /// What is told of all cases together, from their results. A metric found here is not one of
  /// cases: none of them has a value of it.
  virtual std::vector<SetValue> evaluate_set(const std::vector<CaseResult>& cases) const;
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
