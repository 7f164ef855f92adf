#pragma once

#include "covector/core/task.h"
#include "covector/networks/heads.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace covector::classification {

struct Options {
  std::string mode = "fine_tune";
  std::string features = "standardised";
  std::vector<std::int64_t> crop = {};
  std::string augment = "none";

  static void describe(Schema<Options>& schema);
};

/// Gives each image one of two classes or more: the pretrained encoder, the mean of its map over
/// all voxels, and one linear layer; cross-entropy.
///
/// As a linear probe the encoder is frozen and only the linear layer learns; its input is
/// standardised with the mean and deviation of each channel over the training images, kept in the
/// buffers "feature_mean" and "feature_deviation".
class Classification final : public Task {
 public:
  /// @throws RecipeError when the dataset names fewer than two classes of images
  Classification(const Options& options, std::shared_ptr<Backbone> backbone,
                 const TaskInput& input);

  std::vector<Metric> metrics() const override;
  std::string main_metric() const override { return "AUC"; }
  ViewSpec view() const override;
  void begin(const TrainingImages& images) override;
  StepResult step(View& view) override;
  CaseResult evaluate(const Batch& batch, const Geometry& geometry) override;
  std::vector<SetValue> evaluate_set(const std::vector<CaseResult>& cases) const override;
  void draw(const Batch& batch, const std::filesystem::path& folder) override;
  std::vector<std::filesystem::path> predict(const std::vector<std::filesystem::path>& inputs,
                                             const std::filesystem::path& output,
                                             const Dataset& dataset,
                                             const at::Device& device) override;
  /// Parts that are not trained stay in evaluation mode: their normalisation keeps its statistics.
  void train(bool on = true) override;

  /// [N, K]; images of any size, padded with zeros to the backbone's divisor.
  at::Tensor logits(const at::Tensor& image);
  /// log softmax of whole images in evaluation mode: [N, K] float64 on the CPU.
  at::Tensor log_scores(const at::Tensor& image);

 private:
  bool is_frozen() const { return options_.mode == "linear_probe"; }
  /// Whether the backbone's parameter or buffer of this name learns.
  bool learns(const std::string& name) const;
  /// [N, C] mean of the encoder's map.
  at::Tensor features(const at::Tensor& image);
  /// The class of the first image. Throws DataError for one without, or with one out of range.
  std::int64_t class_of(const std::optional<at::Tensor>& classes, const std::string& id) const;

  Options options_;
  std::vector<std::string> classes_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Linear> head_;
  at::Tensor feature_mean_, feature_deviation_;  // [C]; undefined unless they are used
};

}  // namespace covector::classification
