#pragma once

#include "covector/core/plugin_loader.h"
#include "support/samples.h"
#include "view_chain.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace covector::testing {

/// A method's chains with the real transforms, opened from their plug-in.
class DefaultViews {
 public:
  explicit DefaultViews(const std::vector<ViewSpec>& specs) : chains_(made(specs)) {}

  /// The views of a batch [N, C, *size] at a step.
  Views of(const at::Tensor& image, std::int64_t step = 0,
           const std::vector<std::string>& phases = {}) const {
    return of(std::vector{image}, step, phases);
  }
  /// The same where a sample is a pair of images.
  Views of(const std::vector<at::Tensor>& images, std::int64_t step = 0,
           const std::vector<std::string>& phases = {}) const {
    std::vector<Samples> samples;
    for (const auto& image : images) samples.push_back(apart(image));
    return chains_.make(samples, 7, step, 0, phases);
  }

 private:
  ViewChains made(const std::vector<ViewSpec>& specs) {
    Problems problems;
    ViewChains chains(specs, registries_, loader_, problems);
    problems.raise();
    return chains;
  }

  Registries registries_;
  PluginLoader loader_{registries_, {std::string(COVECTOR_BINARY_DIR) + "/lib/covector/plugins"}};
  ViewChains chains_;
};

/// Pictures that have something to tell apart: smooth waves of random direction, [N, 1, *size] in
/// [0, 1], float32.
inline at::Tensor wavy_images(std::int64_t count, const std::vector<std::int64_t>& size) {
  const auto grid = voxel_grid(size, torch::kFloat32);
  auto spread = std::vector<std::int64_t>(grid.dim(), 1);
  spread[1] = grid.size(1);
  std::vector<at::Tensor> images;
  for (std::int64_t n = 0; n < count; ++n) {
    auto image = torch::zeros_like(grid.narrow(1, 0, 1));
    for (int wave = 0; wave < 3; ++wave) {
      const auto direction = torch::randn({grid.size(1)}).mul(0.3).view(spread);
      image += ((grid * direction).sum(1, true) + 6.3 * torch::rand({})).sin();
    }
    images.push_back(image);
  }
  return (torch::cat(images) + 3) / 6;
}

}  // namespace covector::testing
