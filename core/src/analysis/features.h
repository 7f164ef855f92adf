#pragma once

#include "covector/core/backbone.h"
#include "covector/core/dataset.h"
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace covector::analysis {

/// Labelled images that networks are looked at on, each cut to a window.
struct LabelledImages {
  std::vector<std::string> classes;  // 0 = background first
  std::string split;                 // "test", "validation" or "train"
  std::vector<Batch> windows;        // one image each, with its label
};

/// @param recipe   a recipe, or the recipe.toml of a run, whose [dataset] has labels
/// @param count    at most so many images, spread evenly over the test images; over the validation
///                 images where there are none, or else those to train on
/// @param divisor  sides of the windows are multiples of it, at most 384 in 2D and 96 in 3D, about
///                 the middle of what is labelled
/// Throws RecipeError where the dataset has no labels, DataError where an image is smaller than
/// the divisor.
COVECTOR_API LabelledImages labelled_images(const std::filesystem::path& recipe, std::int64_t count,
                                            std::int64_t divisor, Registries& registries,
                                            PluginLoader& loader);

/// Channels and dimensions of the images of a recipe's dataset. Opens no file of it.
COVECTOR_API InputSpec input_of(const std::filesystem::path& recipe, Registries& registries,
                                PluginLoader& loader);

/// Side and place of a window along one axis: [begin, begin + size).
struct Stretch {
  std::int64_t begin;
  std::int64_t size;
};
/// @param length  of the image
/// @param middle  of what should be seen
/// @param most    the largest side
COVECTOR_API Stretch window_of(std::int64_t length, double middle, std::int64_t most,
                               std::int64_t divisor);

/// The network of a pretrain run as a task begins with it: what the method hands on, and first
/// weights elsewhere. In evaluation mode, on the CPU.
/// @param warn  hears of checkpoints that cannot be read
COVECTOR_API std::shared_ptr<Backbone> pretrained_backbone(
    const std::filesystem::path& run, const InputSpec& input, Registries& registries,
    PluginLoader& loader, const std::function<void(const std::string&)>& warn);

/// Labels as the finest level of a network has its positions: of every stride-th voxel.
COVECTOR_API at::Tensor labels_at(const at::Tensor& label, std::int64_t stride);

/// An image and its label, cut to a window as labelled_images() does. Throws DataError where it has
/// no label or a side is smaller than the divisor.
COVECTOR_API Batch window_about_label(Sample sample, std::int64_t divisor);

/// Positions that stand for their classes.
struct ChosenPixels {
  std::vector<at::Tensor> positions;  // of each window: [k] flat positions on the finest level
  at::Tensor labels;                  // [n] in the order of the windows
};
/// Which pixels stand for images: as many of each class, or each class as often as it is there.
enum class Draw { evenly, as_they_are };
/// Drawn from a fixed stream; all of what has fewer than its share.
/// @param labels  of each window, as labels_at() gives them
/// @param count   of all classes together
COVECTOR_API ChosenPixels choose_pixels(const std::vector<at::Tensor>& labels, std::int64_t count,
                                        Draw draw = Draw::evenly);

}  // namespace covector::analysis
