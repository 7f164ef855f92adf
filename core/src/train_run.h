#pragma once

#include "assemble.h"
#include "batches.h"
#include "run.h"
#include "signals.h"

namespace covector {

/// Runs a recipe of kind pretrain or adapt in its run folder, from where it stands to its end.
/// @returns  0, or 143 / 130 when a signal stopped it after a checkpoint
COVECTOR_API int run_training(const RunRequest& request, Registries& registries,
                              PluginLoader& loader, std::ostream& out);

/// A request's recipe, read and built on its device with its data open.
struct Prepared {
  TrainPlan plan;
  c10::Device device;
  Assembly built;
};
COVECTOR_API Prepared prepare(const RunRequest& request, Registries& registries,
                              PluginLoader& loader);

/// The folder of a request: `output`, or runs/<stem of the recipe's file>.
COVECTOR_API std::filesystem::path output_of(const RunRequest& request);

/// Where the training images of a plan are: all, or the part that keeps its labels.
COVECTOR_API std::vector<std::int64_t> training_indices(const TrainPlan& plan,
                                                        const Dataset& dataset);

/// The batches of a plan, from a step on.
COVECTOR_API std::unique_ptr<Batches> batches_of(const TrainPlan& plan, const Assembly& built,
                                                 std::int64_t first_step, c10::Device device);

}  // namespace covector
