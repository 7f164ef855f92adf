#pragma once

#include "semantic.h"

#include "covector/core/method.h"
#include "covector/networks/dense_moco.h"

#include <memory>
#include <optional>
#include <vector>

namespace covector::dsc_pm {

struct Options : networks::DenseMocoOptions {
  std::int64_t neighbours = 2;
  std::optional<std::int64_t> prototypes;
  std::int64_t frozen_steps = 313;
  double code_temperature = 0.05;
  std::int64_t sinkhorn_iterations = 3;
  double score_temperature = 0.1;
  std::int64_t semantic_cells = 64;
  double foreground = 0.05;
  double image_weight = 0.5;
  double dense_weight = 0.5;
  double semantic_weight = 0.5;
  std::int64_t gradient_views = 1;

  static void describe(Schema<Options>& schema);
};

/// Dense Semantic Contrast with categories from a prototype mapping, rebuilt from its abstract.
///
/// Three levels of contrast: whole images (MoCo), cells with their most similar cells of the other
/// view, and cells of the whole batch with those of the same category. Categories are prototypes
/// that share the cells out evenly (Sinkhorn) and that the other view's cell must predict.
class DscPm final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  DscPm(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// What the semantic level compares: unit rows [N, n, embedding] of the n cells of two views.
  struct Cells {
    at::Tensor online_first;     // r
    at::Tensor momentum_first;   // for the codes of the first view
    at::Tensor momentum_second;  // t
    at::Tensor online_second;    // undefined where one view has a gradient
    at::Tensor counted_first;    // [N, n] boolean: foreground
    at::Tensor counted_second;
  };
  struct Semantic {
    at::Tensor swap_loss;      // each view's scores predict the other view's codes
    at::Tensor category_loss;  // cells of one category attract each other
  };
  /// @param match  [N, n] int64: the cell of the second view that stands for each of the first
  Semantic semantic(const Cells& cells, const at::Tensor& match, std::int64_t step) const;

 private:
  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::DenseMoco> moco_;
  std::shared_ptr<Prototypes> prototypes_;
};

}  // namespace covector::dsc_pm
