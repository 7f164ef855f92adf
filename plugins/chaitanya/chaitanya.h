#pragma once

#include "regions.h"

#include "covector/core/method.h"
#include "covector/networks/heads.h"
#include "covector/networks/queue.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::chaitanya {

struct Options {
  std::vector<std::int64_t> crop{384};
  double global_share = 0.5;
  std::int64_t crops = 1;
  std::vector<double> crop_share;
  double strength = 0.3;
  std::string positives = "views";
  std::int64_t partitions = 4;
  std::optional<std::int64_t> level;
  bool flatten = false;
  std::int64_t hidden = 1024;
  std::int64_t embedding = 128;
  std::string head_norm = "auto";
  double temperature = 0.1;
  std::int64_t queue = 0;

  static void describe(Schema<Options>& schema);
};

/// Contrastive learning of global and local features, in two stages.
///
/// "global": two crops of a sample, in changed grey levels, are closer to each other than to the
/// other samples (G^R), or than to those from other parts of their volumes (G^D); trains the
/// encoder. "local": with the encoder frozen, small regions of a decoder map agree with the same
/// regions under other grey levels and differ from other regions of the image (L^R); trains the
/// decoder up to that map.
class Chaitanya final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Chaitanya(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  /// "global_first", "global_second", with G^D "volume", which only tells how far a volume reaches;
  /// "local_first", "local_second".
  std::vector<ViewSpec> views() const override;
  /// "global" for the first share of the run, then "local".
  std::vector<std::string> phases(std::int64_t step, std::int64_t total) const override;
  std::vector<at::Tensor> parameters_of(const std::string& phase) const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  /// Encoder, and the decoder up to the local map.
  Transfer transfers() const override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  /// Numbers in the encoder's features of a view.
  std::int64_t flattened(const MethodInput& input) const;
  std::vector<ViewSpec> global_views() const;
  std::vector<ViewSpec> local_views() const;
  Parts grey_levels() const;
  void check_local_map(const std::vector<std::int64_t>& size) const;
  StepResult global_step(Views& views, bool logged);
  StepResult local_step(Views& views);
  /// The mean loss over the positive pairs of G^D.
  at::Tensor partition_loss(const Views& views, const at::Tensor& first, const at::Tensor& second);
  /// Of the coarsest level of whole views: unit rows [N, embedding].
  at::Tensor embed_global(const at::Tensor& map) const;
  /// Of the regions of a view: unit rows [N, regions, embedding].
  at::Tensor embed_regions(const at::Tensor& image, const at::Tensor& corners) const;
  /// Where the local views, which must show the same voxels, are compared.
  Regions regions(const Views& views) const;
  /// Which part of its volume the middle of each crop lies in, along the first axis: [N].
  at::Tensor partition_of(const View& crop, const View& volume) const;

  Options options_;
  std::int64_t level_;  // of the local loss
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> global_head_;
  std::shared_ptr<networks::Head> local_head_;
  std::shared_ptr<networks::Linear> region_head_;
  std::shared_ptr<networks::Queue> queue_;  // null without; with G^D a key's partition is beside it
};

}  // namespace covector::chaitanya
