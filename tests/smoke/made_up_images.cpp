#include "smoke/made_up_images.h"

#include "covector/core/random.h"
#include "covector/datasets/geometry.h"
#include "covector/datasets/image.h"

#include <torch/types.h>

#include <algorithm>
#include <fstream>

namespace covector::testing {
namespace {

namespace fs = std::filesystem;

struct Drawn {
  at::Tensor image;  // [1, *size] uint8
  at::Tensor mask;   // [1, *size] uint8
  double radius;     // of the disc or ball, as a share of the shortest side
};

/// Distance of every voxel from a point along one axis, in the shape of the picture.
at::Tensor along(const std::vector<std::int64_t>& size, std::size_t axis, double from) {
  std::vector<std::int64_t> shape(size.size(), 1);
  shape[axis] = -1;
  return (torch::arange(size[axis], torch::kFloat64) - from).abs().view(shape).expand(size);
}

/// A disc or ball, then a square or cube over it, at places drawn from the stream.
Drawn draw(const std::vector<std::int64_t>& size, RandomStream stream) {
  const auto shortest = static_cast<double>(*std::min_element(size.begin(), size.end()));
  const auto radius = shortest * stream.uniform(0.2, 0.3);
  const auto half = shortest * stream.uniform(0.15, 0.2);
  auto squared = torch::zeros(size, torch::kFloat64);
  auto farthest = torch::zeros(size, torch::kFloat64);
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    const auto length = static_cast<double>(size[axis]);
    squared += along(size, axis, stream.uniform(radius, length - radius)).square();
    farthest = farthest.maximum(along(size, axis, stream.uniform(half, length - half)));
  }
  auto mask = torch::zeros(size, torch::kUInt8);
  mask.masked_fill_(squared <= radius * radius, 1);
  mask.masked_fill_(farthest <= half, 2);
  auto image = torch::empty(size, torch::kUInt8);
  const auto values = image.flatten();
  const auto classes = mask.flatten();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<std::uint8_t>()[i] = static_cast<std::uint8_t>(
        40 + 70 * classes.data_ptr<std::uint8_t>()[i] + stream.integer(30));
  return {image.unsqueeze(0), mask.unsqueeze(0), radius / shortest};
}

/// file,label: "large" for the larger half of the discs, "small" for the others.
void write_classes(const fs::path& file, const std::vector<std::pair<std::string, double>>& radii) {
  std::vector<double> sorted;
  for (const auto& item : radii) sorted.push_back(item.second);
  std::sort(sorted.begin(), sorted.end());
  std::ofstream out(file);
  out << "file,label\n";
  for (const auto& [name, radius] : radii)
    out << name << (radius < sorted[sorted.size() / 2] ? ",small\n" : ",large\n");
}

}  // namespace

void make_smoke_images(const fs::path& folder) {
  for (const auto* name : {"images", "masks", "volumes", "volume-masks"})
    fs::create_directories(folder / name);
  std::vector<std::pair<std::string, double>> radii;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto drawn = draw({48, 48}, RandomStream(1, "smoke picture", {i}));
    const auto name = "case-" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".png";
    datasets::write_png(drawn.image, folder / "images" / name);
    datasets::write_png(drawn.mask, folder / "masks" / name);
    radii.emplace_back("images/" + name, drawn.radius);
  }
  write_classes(folder / "classes.csv", radii);
  radii.clear();
  auto geometry = datasets::unit_geometry(3);
  geometry.spacing_mm = {2, 1, 1};
  for (std::uint64_t i = 0; i < 8; ++i) {
    const auto drawn = draw({24, 32, 32}, RandomStream(1, "smoke volume", {i}));
    const auto name = "case-" + std::to_string(i) + ".nii.gz";
    datasets::write_image({drawn.image, geometry, {}}, folder / "volumes" / name);
    datasets::write_image({drawn.mask, geometry, {}}, folder / "volume-masks" / name);
    radii.emplace_back("volumes/" + name, drawn.radius);
  }
  write_classes(folder / "volume-classes.csv", radii);
}

}  // namespace covector::testing
