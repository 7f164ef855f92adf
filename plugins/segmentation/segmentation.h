#pragma once

#include "covector/core/task.h"
#include "covector/networks/blocks.h"
#include "sliding_window.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace covector::segmentation {

struct Options {
  std::string mode = "fine_tune";
  std::string train = "all";
  std::string features = "standardised";
  std::int64_t head_kernel = 3;
  std::string dice = "gvsl";
  double dice_weight = 1.0;
  std::string cross_entropy = "standard";
  double cross_entropy_weight = 1.0;
  std::vector<std::int64_t> crop = {};
  std::string augment = "none";
  std::vector<std::int64_t> window = {};
  double overlap = 0.5;
  std::int64_t window_batch = 4;

  static void describe(Schema<Options>& schema);
};

/// Labels every voxel: the pretrained network plus one convolution from its finest map to the
/// classes, measured by overlap and surface distance.
///
/// As a linear probe the backbone is frozen and only the convolution learns; its input is
/// standardised with the mean and deviation of each channel over the training images, kept in the
/// buffers "feature_mean" and "feature_deviation".
class Segmentation final : public Task {
 public:
  /// @throws RecipeError when there are fewer than two classes, background included
  Segmentation(const Options& options, std::shared_ptr<Backbone> backbone, const TaskInput& input);

  std::vector<Metric> metrics() const override;
  std::string main_metric() const override { return "DSC"; }
  ViewSpec view() const override;
  void begin(const TrainingImages& images) override;
  StepResult step(View& view) override;
  CaseResult evaluate(const Batch& batch, const Geometry& geometry) override;
  void draw(const Batch& batch, const std::filesystem::path& folder) override;
  std::vector<std::filesystem::path> predict(const std::vector<std::filesystem::path>& inputs,
                                             const std::filesystem::path& output,
                                             const Dataset& dataset,
                                             const at::Device& device) override;
  /// Parts that are not trained stay in evaluation mode: their normalisation keeps its statistics.
  void train(bool on = true) override;

  /// [N, K, *size]: padded with zeros to the backbone's divisor and cropped back.
  at::Tensor logits(const at::Tensor& image);
  /// The class of every voxel of a whole image by sliding window: [1, 1, *size] int64.
  at::Tensor segment(const at::Tensor& image);

 private:
  bool is_frozen() const { return options_.mode == "linear_probe" || options_.train == "head"; }
  /// Whether the backbone's parameter or buffer of this name learns.
  bool learns(const std::string& name) const;
  std::int64_t class_count() const { return static_cast<std::int64_t>(classes_.size()); }
  /// Throws DataError for an image without a label.
  void check_labelled(bool has_label, const std::string& id) const;
  /// The backbone's finest map as it is, on the grid of the image.
  at::Tensor features(const at::Tensor& image);
  at::Tensor standardised(const at::Tensor& features) const;
  SlidingWindow window() const;

  Options options_;
  std::int64_t dimensions_;
  std::vector<std::string> classes_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Conv> head_;
  at::Tensor feature_mean_, feature_deviation_;  // [C]; undefined unless they are used
};

}  // namespace covector::segmentation
