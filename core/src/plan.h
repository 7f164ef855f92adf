#pragma once

#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "recipe.h"
#include "view_chain.h"

#include <optional>
#include <string>
#include <vector>

namespace covector {

/// [loop]
struct COVECTOR_API LoopOptions {
  std::int64_t steps = 1000;
  std::int64_t batch = 8;
  std::int64_t accumulate = 1;
  std::string precision = "float32";
  std::string layout = "auto";
  std::int64_t threads = 2;
  double cache_gib = 1.0;
  std::int64_t prefetch = 2;
  std::int64_t log_every = 10;
  std::int64_t monitor_every = 500;
  std::int64_t probe_every = 0;
  std::int64_t checkpoint_every = 1000;
  std::int64_t keep_checkpoints = 2;
  std::int64_t pictures_every = 0;
  std::int64_t validate_every = 0;

  COVECTOR_API static void describe(Schema<LoopOptions>& schema);
};

/// [pretrained] of a recipe of kind adapt
struct COVECTOR_API PretrainedOptions {
  std::string run;

  COVECTOR_API static void describe(Schema<PretrainedOptions>& schema);
};

/// [labelled] of a recipe of kind adapt
struct COVECTOR_API LabelledOptions {
  std::optional<double> share;
  std::optional<std::int64_t> count;

  COVECTOR_API static void describe(Schema<LabelledOptions>& schema);
};

/// A recipe of kind pretrain or adapt, read and checked.
struct TrainPlan {
  bool adapt = false;
  std::uint64_t seed = 0;
  std::string name;
  OptionTable dataset;
  OptionTable backbone;
  OptionTable learner;  // [method] or [task]
  OptionTable optimiser;
  OptionTable schedule;
  LoopOptions loop;
  std::vector<ViewSpec> views;  // those that the recipe replaces
  OptionTable given_views;      // [views] as it stands in the recipe
  std::optional<PretrainedOptions> pretrained;
  LabelledOptions labelled;
  OptionTable resolved;  // the recipe with every default filled in, but for the default views
};

/// The word in `kind`: "pretrain", "adapt" or "benchmark". Throws RecipeError.
COVECTOR_API std::string kind_of(const Recipe& recipe);

/// Reads a recipe of kind pretrain or adapt, opening the plug-ins that it names. Every problem of
/// every section goes to `problems`; the plan may be built from only when there are none.
COVECTOR_API TrainPlan read_plan(const Recipe& recipe, Registries& registries, PluginLoader& loader,
                                 Problems& problems);

/// `resolved`, with each value that `given` has too standing where it stood there.
COVECTOR_API OptionTable keep_origins(OptionTable resolved, const OptionTable& given);

}  // namespace covector
