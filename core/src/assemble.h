#pragma once

#include "learner.h"
#include "plan.h"
#include "stopwatch.h"

namespace covector {

/// What the sections of a plan stand for, built.
struct Assembly {
  std::shared_ptr<Dataset> dataset;
  std::shared_ptr<Backbone> backbone;  // of the method or task
  std::shared_ptr<Method> method;      // of a pretrain plan
  std::shared_ptr<Task> task;          // of an adapt plan
  std::unique_ptr<Learner> learner;
  std::unique_ptr<ViewChains> chains;
  OptionTable resolved;  // the plan's, with the chains of all views
};

/// Builds a plan's parts. The first weights follow from the seed: those of the backbone from a
/// stream of their own, so that every method starts from the same backbone.
/// @param open_data  also opens the dataset; without it no file is touched
/// @param stopwatch  where given, the calls of the backbone are timed; see timed()
/// Throws RecipeError when parts do not fit together or a view does not exist; DataError.
COVECTOR_API Assembly assemble(const TrainPlan& plan, Registries& registries, PluginLoader& loader,
                               bool open_data, Stopwatch* stopwatch = nullptr);

}  // namespace covector
