#pragma once

#include "covector/core/method.h"
#include "covector/networks/heads.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::deepcluster {

struct Options {
  std::vector<std::int64_t> crop{384};
  double min_share = 0.2;
  std::optional<std::int64_t> k;
  std::optional<std::int64_t> pca;
  std::int64_t iterations = 20;
  std::int64_t every = 1;
  std::string sampling = "uniform";

  static void describe(Schema<Options>& schema);
};

/// DeepCluster: before an epoch the features of all images are clustered; during it a new linear
/// layer learns to tell from a random crop which cluster its image is in.
class DeepCluster final : public Method {
 public:
  /// Throws RecipeError where options and backbone do not fit each other.
  DeepCluster(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  /// Throws RecipeError where there are fewer images than clusters or principal axes.
  void begin_epoch(const EpochContext& context) override;
  bool chooses_images() const override { return options_.sampling == "uniform"; }
  std::vector<std::int64_t> order(std::int64_t epoch, std::int64_t size,
                                  std::uint64_t seed) const override;
  Transfer transfers() const override { return Transfer::encoder; }
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// The cluster of each training image: [n] int64, empty before the first epoch.
  const at::Tensor& labels() const { return labels_; }
  std::int64_t k() const { return k_; }

 private:
  at::Tensor features(const at::Tensor& image);
  at::Tensor features_of_all(const EpochContext& context);
  void renew_classifier(const EpochContext& context);

  Options options_;
  std::int64_t k_;
  std::int64_t chunk_;  // images of a forward pass without gradient
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Linear> classifier_;
  at::Tensor labels_;
  at::Tensor measures_;  // [4] float64 of the last clustering: see measured()
};

/// The middle of each image, as large as the crop; where an axis is shorter, all of it, stretched.
at::Tensor centre_crop(const Batch& batch, const std::vector<std::int64_t>& size);

}  // namespace covector::deepcluster
