#include "covector/datasets/geometry.h"
#include "covector/datasets/image.h"
#include "segmentation.h"

#include <torch/types.h>

#include <map>

namespace covector::segmentation {
namespace {

namespace fs = std::filesystem;

/// Where the mask of each input goes: its own name in the output folder, as PNG where the input is
/// a photograph and as compressed NIfTI else. Nothing is overwritten.
std::vector<fs::path> mask_files(const std::vector<fs::path>& inputs, const fs::path& output) {
  std::map<fs::path, fs::path> taken;
  std::vector<fs::path> files;
  std::string problems;
  for (const auto& input : inputs) {
    const auto extension = input.extension().string();
    const auto flat = extension == ".png" || extension == ".jpg" || extension == ".jpeg";
    const auto file = output / (datasets::image_stem(input) + (flat ? ".png" : ".nii.gz"));
    const auto [other, is_new] = taken.emplace(file, input);
    if (!is_new)
      problems += "\n  " + input.string() + " and " + other->second.string() +
                  " would both become " + file.string();
    else if (fs::exists(file))
      problems += "\n  " + file.string() + " exists already";
    files.push_back(file);
  }
  if (!problems.empty())
    throw DataError("no mask was written, for some would be lost; choose another folder:" +
                    problems);
  return files;
}

}  // namespace

std::vector<fs::path> Segmentation::predict(const std::vector<fs::path>& inputs,
                                            const fs::path& output, const Dataset& dataset,
                                            const at::Device& device) {
  const auto files = mask_files(inputs, output);
  std::error_code failure;
  fs::create_directories(output, failure);
  if (failure) throw Error("cannot make the folder " + output.string() + ": " + failure.message());
  std::string problems;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    try {
      const auto sample = dataset.read(inputs[i]);
      const auto label = segment(sample.image.unsqueeze(0).to(device)).squeeze(0).cpu();
      datasets::write_label_like(inputs[i], label, sample.geometry, files[i]);
    } catch (const DataError& error) {
      ++failed;
      problems += std::string("\n  ") + error.what();
    }
  }
  if (failed > 0)
    throw DataError(std::to_string(failed) + " of " + std::to_string(inputs.size()) +
                    " images could not be segmented; the masks of the others are in " +
                    output.string() + ":" + problems);
  return files;
}

}  // namespace covector::segmentation
