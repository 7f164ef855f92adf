#pragma once

#include "covector/core/backbone.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector {

/// Tensors that lie side by side in a file.
struct WeightsGroup {
  std::string path;  // keys of the dicts around them, each with a '.' behind: "state_dict."
  StateDict tensors;
};

/// What a file of weights holds.
struct WeightsFile {
  std::vector<WeightsGroup> groups;  // safetensors and .npz have one, with an empty path
  std::vector<std::string> others;   // what is no tensor: "epoch: a number"
};

/// Reads what torch.save() wrote (since PyTorch 1.6), safetensors, or NumPy's .npz; the file's
/// content tells which. Nothing in a file is run. Throws DataError that names the file when it is
/// none of these or damaged.
COVECTOR_API WeightsFile read_weights(const std::filesystem::path& file);

/// Writes a file that torch.load(weights_only=True) gives as a dict of tensors (.pt, .pth), or one
/// of safetensors (.safetensors). A failure leaves no file behind.
/// Throws RecipeError for another suffix and where the file exists, Error when it cannot be
/// written.
COVECTOR_API void write_weights(const std::filesystem::path& file, const StateDict& tensors);

/// Says what write_weights() would refuse before there is anything to write.
COVECTOR_API void check_writable(const std::filesystem::path& file);

}  // namespace covector
