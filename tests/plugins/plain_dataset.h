#pragma once

#include "covector/core/dataset.h"
#include "covector/datasets/image.h"

#include <torch/types.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace covector::testing {

/// Reads images as they are, in the float64 of the tests, and has none of its own.
class PlainDataset final : public Dataset {
 public:
  /// @param classes  of voxels
  explicit PlainDataset(std::int64_t dimensions, std::vector<std::string> classes = {})
      : dimensions_(dimensions), classes_(std::move(classes)) {}
  InputSpec input() const override { return {1, dimensions_}; }
  void open() override {}
  std::int64_t size() const override { return 0; }
  Sample get(std::int64_t) const override { throw std::logic_error("no images of its own"); }
  std::string id(std::int64_t) const override { return {}; }
  std::string patient(std::int64_t) const override { return {}; }
  std::vector<std::int64_t> indices(Split) const override { return {}; }
  std::vector<std::string> classes() const override { return classes_; }
  Sample read(const std::filesystem::path& file) const override {
    const auto image = datasets::read_image(file);
    return {image.pixels.to(torch::kFloat64), {}, image.geometry, datasets::image_stem(file), {}};
  }
  std::string fingerprint() const override { return {}; }

 private:
  std::int64_t dimensions_;
  std::vector<std::string> classes_;
};

}  // namespace covector::testing
