#pragma once

#include "affine_head.h"

#include "covector/core/method.h"
#include "covector/networks/registration.h"

#include <memory>
#include <string>
#include <vector>

namespace covector::gvsl {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::int64_t window = 9;
  double similarity_weight = 1.0;
  double restoration_weight = 1.0;
  double smoothness_weight = 1.0;
  bool detach_affine = false;
  std::string start = "identity";
  std::string convention = "paper";

  static void describe(Schema<Options>& schema);
};

/// GVSL: registers images of two patients by an affine matrix from their deepest features and a
/// displacement from their finest ones; how well the warped image fits trains the network.
///
/// The network sees B and a damaged A. Features of the damaged A also restore A.
class Gvsl final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Gvsl(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  /// "a" and "b" show two images, "damaged" the first; all are moved alike.
  std::vector<ViewSpec> views() const override;
  std::int64_t images_per_sample() const override { return 2; }
  StepResult step(Views& views, const StepInfo& info) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// How B is brought onto A.
  struct Registration {
    at::Tensor matrix;    // [N, d, d + 1]
    at::Tensor flow;      // [N, d, *size] voxels, float32 or wider
    at::Tensor warped;    // [N, C, *size] B at flow, then at the matrix: two interpolations
    at::Tensor restored;  // [N, C, *size] A from the features of the damaged A
  };
  /// @param damaged, moving  [N, C, *size]
  Registration register_pair(const at::Tensor& damaged, const at::Tensor& moving) const;

  /// The three parts of the loss, before their weights.
  struct Losses {
    at::Tensor similarity;   // 1 - mean local correlation of the warped B with A: 0 .. 1
    at::Tensor restoration;  // mean squared error
    at::Tensor smoothness;   // roughness of the flow; the affine part is free
  };
  Losses losses_of(const Registration& registration, const at::Tensor& fixed) const;
  at::Tensor total(const Losses& parts) const;

 private:
  Options options_;
  GridConvention convention_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<AffineHead> affine_;
  std::shared_ptr<networks::DoubleConv> sp_conv_;
  std::shared_ptr<networks::Conv> out_flow_;
  std::shared_ptr<networks::RestorationHead> res_conv_;
};

}  // namespace covector::gvsl
