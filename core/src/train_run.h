#pragma once

#include "assemble.h"
#include "batches.h"
#include "run.h"
#include "signals.h"
#include "stopwatch.h"
#include "train.h"

namespace covector {

/// Runs a recipe of kind pretrain or adapt in its run folder, from where it stands to its end.
/// @returns  0, or 143 / 130 when a signal stopped it after a checkpoint
COVECTOR_API int run_training(const RunRequest& request, Registries& registries,
                              PluginLoader& loader, std::ostream& out);

/// A request's recipe, read and built on its device with its data open. Precision and layout of
/// the plan's loop are settled; its resolved recipe keeps what was asked for.
struct Prepared {
  TrainPlan plan;
  c10::Device device;
  std::unique_ptr<Stopwatch> stopwatch;  // of the backbone, when it is timed
  Assembly built;
};
/// @param timed  whether the stopwatch runs with the calls of the backbone; see timed()
COVECTOR_API Prepared prepare(const RunRequest& request, Registries& registries,
                              PluginLoader& loader, bool timed = false);

/// The folder of a request: `output`, or runs/<stem of the recipe's file>.
COVECTOR_API std::filesystem::path output_of(const RunRequest& request);

/// Where the training images of a plan are: all, or the part that keeps its labels.
COVECTOR_API std::vector<std::int64_t> training_indices(const TrainPlan& plan,
                                                        const Dataset& dataset);

/// The trainer of what a plan stands for, which has to outlive it.
COVECTOR_API std::unique_ptr<Trainer> trainer_of(const TrainPlan& plan, const Assembly& built,
                                                 c10::Device device);

/// What a task does before the first step of a fresh run; nothing where there is no task.
COVECTOR_API void begin_task(const TrainPlan& plan, const Assembly& built, Batches& batches);

/// The batches of a plan, from a step on.
COVECTOR_API std::unique_ptr<Batches> batches_of(const TrainPlan& plan, const Assembly& built,
                                                 std::int64_t first_step, c10::Device device);

}  // namespace covector
