#pragma once

#include "covector/core/dataset.h"
#include "covector/core/plugin_loader.h"
#include "owner.h"
#include "precision.h"
#include "recipe.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace covector {

/// Where a run stands, in status.json.
struct RunStatus {
  std::string state;  // "running", "stopped" (by a signal), "failed" or "finished"
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::string error;  // of a failed run
};

/// The folder of one run, held against other processes for the life of the object.
class COVECTOR_API RunFolder {
 public:
  /// Makes the folder, or takes up one that holds a run of the same recipe.
  /// @param resolved  the recipe with every default filled in
  /// Throws Error when the folder cannot be written, FolderInUse when another process holds it, on
  /// this machine or another, and RecipeError as check_same_recipe().
  RunFolder(std::filesystem::path path, const OptionTable& resolved);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// The process that held the folder and is gone, where there was one.
  const std::optional<Owner>& owner_before() const { return owner_->before(); }
  /// Throws Error when another process took the folder; see Ownership.
  void check_held() const { owner_->check(); }
  void write_status(const RunStatus& status) const;
  /// Throws DataError when the run began on a dataset with another fingerprint.
  void check_dataset(const std::string& fingerprint) const;
  /// What the run in this folder computes in, whatever machine goes on with it: as its environment
  /// says, or `chosen` where it has not begun.
  Computing computing(const Computing& chosen) const;
  /// plugins.json and environment.json: what ran, on what, how, and the files that the dataset left
  /// out.
  void write_provenance(const PluginLoader& loader, const std::string& device,
                        const Computing& computing, const Dataset& dataset) const;
  /// images/step-000000100, made.
  std::filesystem::path pictures(std::int64_t step) const;

 private:
  void hold();

  std::filesystem::path path_;
  int lock_ = -1;
  std::unique_ptr<Ownership> owner_;
};

/// Throws RecipeError when a folder holds a run of another recipe, listing the keys that differ;
/// `loop.steps` alone may be raised.
/// @param resolved  the recipe with every default filled in
COVECTOR_API void check_same_recipe(const std::filesystem::path& run, const OptionTable& resolved);

/// Puts a status into a run folder. Throws Error as write_text().
COVECTOR_API void write_status(const std::filesystem::path& folder, const RunStatus& status);
/// The status of a run folder; state "none" when there is none.
COVECTOR_API RunStatus read_status(const std::filesystem::path& folder);

/// The plug-ins that are open, as JSON: name, version, file, bytes, time of last change.
COVECTOR_API std::string plugins_json(const PluginLoader& loader);

/// "2026-12-01T02:20:00Z"
COVECTOR_API std::string utc_text(std::int64_t seconds_since_1970);

/// Writes a text file so that a crash leaves the old or the new one, never half of it. Throws Error
/// with the path and the reason.
COVECTOR_API void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace covector
