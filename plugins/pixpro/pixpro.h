#pragma once

#include "covector/core/method.h"
#include "covector/networks/heads.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::pixpro {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::optional<std::int64_t> cells;
  double threshold = 0.7;
  double power = 2.0;
  double clamp = 0.0;
  std::int64_t value_layers = 1;
  std::int64_t hidden = 2048;
  std::int64_t embedding = 256;
  std::string head_norm = "auto";
  double momentum = 0.99;
  double image_weight = 0.0;

  static void describe(Schema<Options>& schema);
};

/// PixPro: what a cell's surroundings say about it in one view agrees with the cells of the other
/// view that show the same place.
///
/// The finest level of the backbone is averaged over cells^d cells and projected. The online branch
/// propagates its projections among similar cells (propagate()); the result is compared with the
/// projection that a momentum copy gives of the near cells of the other view (consistency()), both
/// ways round. Cells are near where the distance of their centres in the image, over the longer of
/// their diagonals, is below a threshold. There are no negatives.
class PixPro final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  PixPro(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// What the loss compares of one view: unit rows.
  struct Look {
    at::Tensor cells;  // [N, cells^d, embedding]
    at::Tensor image;  // [N, embedding]; undefined with image_weight = 0
  };
  /// By the online branch, propagated.
  Look predict(const at::Tensor& image) const;
  /// By the momentum copy, without gradient.
  Look target(const at::Tensor& image) const;
  /// Which cells of two views are near: [N, cells^d, cells^d] boolean on a device.
  at::Tensor near(const View& first, const View& second, const at::Device& device) const;

 private:
  std::shared_ptr<networks::Head> projector(networks::HeadNorm norm, std::int64_t in) const;

  Options options_;
  std::int64_t cells_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> projector_;
  std::shared_ptr<networks::Head> value_;            // null with value_layers = 0
  std::shared_ptr<networks::Head> image_projector_;  // these are null with image_weight = 0
  std::shared_ptr<networks::Head> image_predictor_;
  std::shared_ptr<Backbone> key_backbone_;
  std::shared_ptr<networks::Head> key_projector_;
  std::shared_ptr<networks::Head> key_image_projector_;
};

}  // namespace covector::pixpro
