#include "analysis/features.h"

#include "batches.h"
#include "covector/core/error.h"
#include "covector/core/random.h"
#include "measure.h"
#include "plan.h"
#include "transfer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <map>

namespace covector::analysis {
namespace fs = std::filesystem;
namespace {

TrainPlan plan_of(const fs::path& recipe, Registries& registries, PluginLoader& loader) {
  Problems problems;
  auto plan = read_plan(load_recipe(recipe), registries, loader, problems);
  problems.raise();
  return plan;
}

Split first_with_images(const Dataset& dataset) {
  for (const auto split : {Split::test, Split::validation})
    if (!dataset.indices(split).empty()) return split;
  return Split::train;
}

/// The middle of what has a label, along an axis of [1, *size]; of the image where nothing has.
double middle_of(const at::Tensor& label, std::int64_t axis) {
  const auto where = (label > 0).nonzero();
  if (where.size(0) == 0) return static_cast<double>(label.size(axis)) / 2;
  const auto along = where.select(1, axis);
  return static_cast<double>((along.min() + along.max() + 1).item<std::int64_t>()) / 2;
}

}  // namespace

Batch window_about_label(Sample sample, std::int64_t divisor) {
  if (!sample.label) throw DataError(sample.id + " has no label");
  const auto dimensions = sample.image.dim() - 1;
  const std::int64_t most = dimensions == 2 ? 384 : 96;
  const auto label = *sample.label;
  for (std::int64_t axis = 1; axis <= dimensions; ++axis) {
    const auto length = sample.image.size(axis);
    if (length < divisor)
      throw DataError(sample.id + " has a side of " + std::to_string(length) +
                      " voxels; the networks need " + std::to_string(divisor));
    const auto [begin, size] = window_of(length, middle_of(label, axis), most, divisor);
    sample.image = sample.image.narrow(axis, begin, size);
    sample.label = sample.label->narrow(axis, begin, size);
  }
  return stack({{std::move(sample)}, at::kCPU});
}

Stretch window_of(std::int64_t length, double middle, std::int64_t most, std::int64_t divisor) {
  const auto size = std::max(divisor, std::min(length, most) / divisor * divisor);
  const auto begin = static_cast<std::int64_t>(middle - static_cast<double>(size) / 2);
  return {std::clamp<std::int64_t>(begin, 0, length - size), size};
}

InputSpec input_of(const fs::path& recipe, Registries& registries, PluginLoader& loader) {
  const auto plan = plan_of(recipe, registries, loader);
  return registries.of<Dataset>().create(plan.dataset, "dataset")->input();
}

LabelledImages labelled_images(const fs::path& recipe, std::int64_t count, std::int64_t divisor,
                               Registries& registries, PluginLoader& loader) {
  const auto plan = plan_of(recipe, registries, loader);
  const auto dataset = registries.of<Dataset>().create(plan.dataset, "dataset");
  dataset->open();
  LabelledImages images{dataset->classes(), {}, {}};
  if (images.classes.size() < 2)
    throw RecipeError("the [dataset] of " + recipe.string() +
                      " has no labels of voxels; name a recipe whose dataset has with --data");
  const auto split = first_with_images(*dataset);
  images.split = to_string(split);
  for (const auto index : evenly_spread(dataset->indices(split), static_cast<std::size_t>(count)))
    images.windows.push_back(window_about_label(dataset->get(index), divisor));
  return images;
}

std::shared_ptr<Backbone> pretrained_backbone(const fs::path& run, const InputSpec& input,
                                              Registries& registries, PluginLoader& loader,
                                              const std::function<void(const std::string&)>& warn) {
  const auto plan = plan_of(run / "recipe.toml", registries, loader);
  // As the run itself began: what its method does not hand on stays at these first weights.
  torch::manual_seed(RandomStream(plan.seed, "backbone").bits64());
  auto backbone = registries.of<Backbone>().create(plan.backbone, "backbone", input);
  load_pretrained(*backbone, run, warn);
  backbone->eval();
  return backbone;
}

at::Tensor labels_at(const at::Tensor& label, std::int64_t stride) {
  auto coarse = label;
  for (std::int64_t axis = 2; axis < label.dim(); ++axis)
    coarse = coarse.slice(axis, stride / 2, std::nullopt, stride);
  return coarse.contiguous();
}

ChosenPixels choose_pixels(const std::vector<at::Tensor>& labels, std::int64_t count, Draw draw) {
  struct Place {
    std::int64_t window, position, label;
  };
  std::map<std::int64_t, std::vector<Place>> groups;
  for (std::size_t w = 0; w < labels.size(); ++w) {
    const auto flat = labels[w].flatten().contiguous();
    const auto* values = flat.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < flat.numel(); ++i)
      groups[draw == Draw::evenly ? values[i] : 0].push_back(
          {static_cast<std::int64_t>(w), i, values[i]});
  }
  std::vector<std::vector<std::int64_t>> positions(labels.size()), values(labels.size());
  const auto share = count / static_cast<std::int64_t>(groups.size());
  for (const auto& [group, places] : groups) {
    const auto size = static_cast<std::int64_t>(places.size());
    const auto order =
        RandomStream(0, "analysis pixels", {static_cast<std::uint64_t>(group)}).permutation(size);
    for (std::int64_t i = 0; i < std::min(share, size); ++i) {
      const auto& place = places[order[i]];
      positions[place.window].push_back(place.position);
      values[place.window].push_back(place.label);
    }
  }
  ChosenPixels chosen;
  std::vector<std::int64_t> all;
  for (std::size_t w = 0; w < labels.size(); ++w) {
    chosen.positions.push_back(torch::tensor(positions[w], torch::kInt64));
    all.insert(all.end(), values[w].begin(), values[w].end());
  }
  chosen.labels = torch::tensor(all, torch::kInt64);
  return chosen;
}

}  // namespace covector::analysis
