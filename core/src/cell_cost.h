#pragma once

#include "run.h"

#include <cstdint>
#include <string>

namespace covector {

/// What a run of a recipe takes, measured on a few of its steps, cases and a checkpoint.
struct CellCost {
  std::int64_t steps = 0;        // that it takes; 0 where nothing is trained
  std::int64_t checkpoints = 0;  // that it writes
  std::int64_t validations = 0;  // over all validation images
  double seconds_to_begin = 0;   // of finding the data and making the network
  double seconds_a_step = 0;     // data, views and network
  double seconds_a_checkpoint = 0;
  double seconds_a_validation = 0;
  double seconds_to_test = 0;
  double memory_mib = 0;  // the most main memory
  double disk_mib = 0;    // of the checkpoints that stay

  double seconds() const {
    return seconds_to_begin + seconds_a_step * static_cast<double>(steps) +
           seconds_a_checkpoint * static_cast<double>(checkpoints) +
           seconds_a_validation * static_cast<double>(validations) + seconds_to_test;
  }
};

/// Measures a recipe of kind pretrain or adapt. Leaves nothing behind; the folder of the request is
/// where a checkpoint is written for a moment. Throws as run_recipe() does.
COVECTOR_API CellCost measure_cost(const RunRequest& request, Registries& registries,
                                   PluginLoader& loader);

/// As JSON, in the names above.
COVECTOR_API std::string to_json(const CellCost& cost);
/// Throws Error where `text` is something else.
COVECTOR_API CellCost cost_of_json(const std::string& text);

}  // namespace covector
