#pragma once

#include "checkpoint.h"
#include "covector/core/backbone.h"
#include "covector/core/method.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// "encoder", "network" or, for so many levels of the pyramid, "levels 3"; and back. Throws Error
/// for another text.
COVECTOR_API std::string to_string(Transfer transfer);
COVECTOR_API Transfer to_transfer(const std::string& text);

/// What became of each of a backbone's tensors when weights were loaded into it.
struct LoadReport {
  std::string source;                // the file
  std::optional<std::int64_t> step;  // of the pretraining; none for weights from elsewhere
  Transfer transfer = Transfer::network;
  std::vector<std::string> matched;     // loaded
  std::vector<std::string> kept;        // not part of what transfers, keep their first weights
  std::vector<std::string> changed;     // brought to this network's names, shapes and numbers: how
  std::vector<std::string> ignored;     // in the file, of no use: why
  std::vector<std::string> missing;     // of the backbone, not in the file
  std::vector<std::string> unexpected;  // in the file, not of the backbone
  std::vector<std::string> reshaped;    // in both, with different shapes
  std::int64_t loaded_numbers = 0;
  std::int64_t all_numbers = 0;

  bool fits() const { return missing.empty() && unexpected.empty() && reshaped.empty(); }
};
COVECTOR_API std::string to_json(const LoadReport& report);
/// A line of counts, then a line for each tensor that did not fit or was changed or ignored.
COVECTOR_API std::string to_text(const LoadReport& report);

/// A backbone's parameters and buffers.
COVECTOR_API StateDict tensors_of(const Backbone& backbone);

/// Those of a backbone among a checkpoint's tensors; and the way there.
COVECTOR_API StateDict backbone_tensors(const State& state);
COVECTOR_API void put_backbone_tensors(const StateDict& tensors, State& state);

/// Compares what was found with what a backbone has, as far as report.transfer goes: fills in what
/// matched, was kept, missing, unexpected or reshaped, and the numbers.
COVECTOR_API void compare(const Backbone& backbone, const StateDict& found, LoadReport& report);

/// Copies what matched into the backbone.
COVECTOR_API void load_matched(Backbone& backbone, const StateDict& found,
                               const LoadReport& report);

/// Loads the backbone of a pretrain run: as much of it as the method says.
/// @param run   a run folder, of which the last checkpoint is taken, or a checkpoint file
/// @param warn  hears of checkpoints that cannot be read
/// Throws Error when there is no checkpoint, it is not of a pretrain run, or the backbone does not
/// fit; then nothing is loaded.
COVECTOR_API LoadReport load_pretrained(Backbone& backbone, const std::filesystem::path& run,
                                        const std::function<void(const std::string&)>& warn);

}  // namespace covector
