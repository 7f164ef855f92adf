#pragma once

#include "deformer.h"

#include "covector/core/method.h"
#include "covector/networks/registration.h"

#include <memory>
#include <string>
#include <vector>

namespace covector::gemini {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::int64_t window = 9;
  double smoothness_weight = 0.4;
  double semantic_weight = 0.8;
  double positive_weight = 0.1;
  double similarity_weight = 1.0;
  double restoration_weight = 100.0;
  std::string start = "identity";
  std::string convention = "paper";

  static void describe(Schema<Options>& schema);
};

/// One image brought onto another: A onto B by phi_AB.
struct Warp {
  at::Tensor flow;   // [N, d, *size] voxels
  at::Tensor mask;   // [N, 1, *size], 1 where the flow reads inside the moving image; no gradient
  at::Tensor image;  // [N, C, *size] the moving image, warped
};

/// 1 - mean of the local correlation over a mask.
///   2D: 1 - sum m cc / (sum m + 1e-5);  3D: 1 - sum m cc / sum (m + 1e-6)
/// @param a, b  [N, C, *size]; channels are compared one by one
/// @param mask  [N, 1, *size]
/// @returns     scalar in [0, 1]; 1 where the mask is empty
/// Source: utils/losses2d.py and losses3d.py of YutingHe-list/GEMINI (4e8e7cc).
at::Tensor masked_similarity_loss(const at::Tensor& a, const at::Tensor& b, const at::Tensor& mask,
                                  std::int64_t window);

/// How far warped features are from those of the other image, in two terms:
///   C(W(f, sg phi), g) moves features alone;  C(W(sg f, phi), sg g) moves the flow alone
/// with C one minus the mean cosine over the mask. The flow's own inputs are not held back, so the
/// second term reaches the network through phi.
struct SemanticLoss {
  at::Tensor features;
  at::Tensor flow;
};
SemanticLoss semantic_loss(const at::Tensor& moving, const at::Tensor& fixed, const Warp& warp,
                           GridConvention convention);

/// GEMINI: a deformer brings each of two patients' images onto the other; images and features have
/// to agree afterwards. Restoring a damaged image is a second task with a step of its own.
class Gemini final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Gemini(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  /// "a" and "b" show two images, "damaged" the first; all are moved alike.
  std::vector<ViewSpec> views() const override;
  std::int64_t images_per_sample() const override { return 2; }
  std::vector<std::string> phases(std::int64_t step, std::int64_t total) const override;
  std::vector<at::Tensor> parameters_of(const std::string& phase) const override;
  StepResult step(Views& views, const StepInfo& info) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  struct Registration {
    at::Tensor features_a;  // [N, C, *size] the backbone's finest
    at::Tensor features_b;
    Warp ab;  // A onto B
    Warp ba;
  };
  Registration register_pair(const at::Tensor& a, const at::Tensor& b) const;

  /// The parts of the loss over both directions, before their weights.
  struct Losses {
    at::Tensor smoothness;
    at::Tensor similarity;
    at::Tensor features;  // semantic: the term that moves features
    at::Tensor flow;      // semantic: the term that moves the flow
  };
  Losses losses_of(const Registration& registration, const at::Tensor& a,
                   const at::Tensor& b) const;
  at::Tensor total(const Losses& parts) const;
  /// [N, C, *size] from a damaged image.
  at::Tensor restore(const at::Tensor& damaged) const;

 private:
  Warp warp_by(const at::Tensor& flow, const at::Tensor& moving) const;
  StepResult register_step(Views& views, const StepInfo& info) const;
  StepResult restore_step(Views& views) const;

  Options options_;
  GridConvention convention_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Deformer> deformer_;
  std::shared_ptr<networks::RestorationHead> res_conv_;
};

}  // namespace covector::gemini
