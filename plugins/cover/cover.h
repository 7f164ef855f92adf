#pragma once

#include "vector_pyramid.h"

#include "covector/core/method.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::cover {

struct Options {
  std::string form = "paper";
  std::vector<std::int64_t> crop{384};
  std::optional<std::int64_t> source_size;
  double degree = 1.5;
  std::string vectors = "pyramid";
  std::int64_t radius = 2;
  std::vector<std::int64_t> groups;
  std::int64_t head_dim = 8;
  double vector_weight = 1.0;
  double consistency_weight = 1.0;

  static void describe(Schema<Options>& schema);
};

/// COVER: regresses the displacement between two views from vectors between their features.
///
/// The fixed view is an affine warp of the source, the moving one changes its appearance; both are
/// cropped by one window, so that the displacement u from fixed to moving is known. Features of the
/// two views give a displacement (VectorPyramid) that is compared with u (vector loss), and agree
/// where u says that they show the same (consistency loss).
class Cover final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Cover(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// What one pair of views gives.
  struct Outcome {
    std::vector<at::Tensor> fixed;  // pyramids
    std::vector<at::Tensor> moving;
    VectorPyramid::Flows flows;  // empty with vectors = "none"
    at::Tensor mask;             // [N, 1, *size] where the target stays inside the moving view
    at::Tensor vector_loss;      // undefined with vectors = "none"
    at::Tensor consistency_loss;
  };
  /// @param fixed, moving  [N, C, *size]
  /// @param target         [N, d, *size] true displacement from fixed to moving, in voxels
  Outcome compare(const at::Tensor& fixed, const at::Tensor& moving,
                  const at::Tensor& target) const;
  /// The true displacement from the fixed to the moving view, [N, d, *size] in voxels.
  /// Throws RecipeError when their sizes differ.
  static at::Tensor target_of(Views& views);

 private:
  Logs measures(const Outcome& outcome, const at::Tensor& target,
                const std::optional<at::Tensor>& label) const;

  Options options_;
  GridConvention convention_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<VectorPyramid> proj_;  // null with vectors = "none"
};

}  // namespace covector::cover
