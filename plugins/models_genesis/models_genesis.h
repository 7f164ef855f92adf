#pragma once

#include "covector/core/method.h"
#include "covector/networks/blocks.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::models_genesis {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::string form = "official";
  std::optional<std::int64_t> windows;

  static void describe(Schema<Options>& schema);
};

/// Models Genesis: restores an image whose voxels were locally shuffled, whose grey levels were
/// remapped and of which parts were overwritten.
///
///   y = sigmoid(output(finest map of the damaged view)),   L = mean over all voxels of (y - x)^2
class ModelsGenesis final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  ModelsGenesis(const Options& options, std::shared_ptr<Backbone> backbone,
                const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  Parts damage() const;
  at::Tensor restore(const at::Tensor& damaged);

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Conv> output_;
};

}  // namespace covector::models_genesis
