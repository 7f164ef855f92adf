#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace covector {

/// All that a run needs to go on: tensors by path ("weights/backbone.inc.weight") and texts (the
/// resolved recipe, provenance, counters as JSON).
struct State {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> texts;
};

/// Writes one HDF5 file: to a temporary name beside it, checksummed, flushed and synced, then
/// renamed, then the folder synced. A failure (disk full, no permission) throws Error with the path
/// and the system's reason, and leaves whatever was there before.
COVECTOR_API void write_state(const std::filesystem::path& file, const State& state);

/// Reads it back, tensors on the CPU. Throws Error that says the file is torn or corrupt when its
/// length or checksum is not what was written.
COVECTOR_API State read_state(const std::filesystem::path& file);

/// The checkpoints of a run: step-000000100.h5 ..., and best.h5.
class COVECTOR_API CheckpointFolder {
 public:
  /// @param keep  how many of the last checkpoints stay; the best is kept besides
  CheckpointFolder(std::filesystem::path folder, std::int64_t keep);

  void write(std::int64_t step, const State& state);
  void write_best(const State& state);
  struct Latest {
    std::int64_t step;
    std::filesystem::path file;
    State state;
  };
  /// The newest that can be read; each one that cannot is reported through `warn` and passed over.
  /// @param usable  those that it turns down are passed over as well
  std::optional<Latest> latest(
      const std::function<void(const std::string&)>& warn,
      const std::function<bool(const State&)>& usable = [](const State&) { return true; }) const;
  std::filesystem::path best_file() const;
  /// The best, or without one the newest that can be read.
  std::optional<std::pair<std::filesystem::path, State>> best_or_latest(
      const std::function<void(const std::string&)>& warn) const;

 private:
  std::filesystem::path folder_;
  std::int64_t keep_;
};

}  // namespace covector
