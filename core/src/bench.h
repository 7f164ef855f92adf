#pragma once

#include "run.h"

#include <string>
#include <utility>
#include <vector>

namespace covector {

/// Steps that no time is taken of: they fill caches and choose kernels.
constexpr int kWarmUpSteps = 2;

/// How fast the steps of a recipe are: what `covector bench` tells.
struct Profile {
  std::string recipe;
  std::string device;
  std::string precision;  // "float32" or "bfloat16"
  std::string layout;     // "contiguous" or "channels_last"
  int steps = 0;          // that were measured
  /// Seconds a step, means over the steps, by part, in the order of a step. "data": waiting for
  /// images; "views"; "backbone": its forward passes, those of momentum copies too; "method": what
  /// the method, or task, does besides - heads, losses, moving averages, queues, and what it does
  /// at the start of an epoch; "backward"; "optimiser": clipping and the update.
  std::vector<std::pair<std::string, double>> seconds = {};
  double data_alone = 0;       // steps a second of fetching batches and nothing else
  double views_alone = 0;      // of making the views of a batch that is there already
  double peak_memory_mib = 0;  // the most that the process has held

  double seconds_a_step() const {
    double sum = 0;
    for (const auto& part : seconds) sum += part.second;
    return sum;
  }
};

/// Measures a recipe of kind pretrain or adapt for some steps. Writes no run folder. Throws as
/// run_recipe() does, and RecipeError for a method that trains nothing.
COVECTOR_API Profile bench_recipe(const RunRequest& request, int steps, Registries& registries,
                                  PluginLoader& loader);

}  // namespace covector
