#pragma once

#include "covector/core/method.h"
#include "covector/networks/blocks.h"

#include <memory>
#include <string>
#include <vector>

/// A method to start your own from. It pulls the features of the same voxel in two views together,
/// and is as short as a method can be that trains a network; docs/guide/plug-in.md walks through
/// it.
namespace covector::align {

/// What a recipe can set under [method]. The defaults stand here, the rest in describe().
struct Options {
  std::vector<std::int64_t> crop{128, 128};
  double weight = 1.0;

  static void describe(Schema<Options>& schema);
};

/// Per-voxel SimSiam: a predictor on the features of the first view guesses those that the second
/// view has at the same place; no gradient goes into the second view, which keeps both from
/// becoming constant.
class Align final : public Method {
 public:
  Align(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;

 private:
  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Conv> predictor_;
};

}  // namespace covector::align
