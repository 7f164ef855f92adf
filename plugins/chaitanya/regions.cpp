#include "regions.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

namespace covector::chaitanya {
namespace {

using Voxel = std::vector<std::int64_t>;

constexpr std::int64_t kSide = 3;     // of a region
constexpr std::int64_t kUnused = 4;   // voxels of a side that are not lattice
constexpr std::int64_t kNearest = 8;  // negatives of a region in 3D

// A place along an axis, in quarters of the lattice: 0, quarter, half, three quarters, 1.
std::int64_t quarters(char place) {
  return static_cast<std::int64_t>(std::string("0qht1").find(place));
}

// "0h": row 0, column 1/2.
Voxel corner(const std::string& name, const Voxel& size) {
  Voxel voxel;
  for (std::size_t k = 0; k < size.size(); ++k)
    voxel.push_back((size[k] - kUnused) * quarters(name[k]) / 4);
  return voxel;
}

// The authors' lists: a region and its negatives.
constexpr std::array<const char*, 13> kPlane = {
    "00: 0h qq qh h0 hq", "0h: 00 01 qq qt hh", "01: 0h qh qt ht h1", "h0: 00 qq hh 10 tq",
    "hh: qq qt tq tt h0", "h1: 01 hh 11 qt tt", "10: h0 hq 1h tq th", "1h: hh 10 11 tq tt",
    "11: ht h1 1h tt th", "qq: 00 0h h0 hh qt", "qt: 0h 01 qq hh h1", "tq: h0 hh 10 1h tt",
    "tt: hh h1 1h 11 tq"};

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word.substr(0, 2));
  return words;
}

Regions plane(const Voxel& size) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> names;
  for (const auto* line : kPlane) {
    lines.push_back(words_of(line));
    names.push_back(lines.back().front());
  }
  std::vector<std::int64_t> negatives;
  for (const auto& line : lines)
    for (std::size_t i = 1; i < line.size(); ++i) {
      const auto found = std::find(names.begin(), names.end(), line[i]);
      negatives.push_back(found - names.begin());
      if (found == names.end()) names.push_back(line[i]);
    }
  std::vector<std::int64_t> corners;
  for (const auto& name : names)
    for (const auto k : corner(name, size)) corners.push_back(k);
  return {torch::tensor(corners).view({-1, 2}),
          torch::tensor(negatives).view({static_cast<std::int64_t>(kPlane.size()), -1})};
}

Regions volume(const Voxel& size) {
  std::vector<std::int64_t> corners;
  for (const std::string places : {"0h1", "qt"})
    for (const char z : places)
      for (const char y : places)
        for (const char x : places)
          for (const auto k : corner({z, y, x}, size)) corners.push_back(k);
  const auto all = torch::tensor(corners).view({-1, 3});
  // Whole numbers, so that equal distances are equal; a region is not its own negative.
  auto distance = (all.unsqueeze(1) - all.unsqueeze(0)).square().sum(2);
  distance.fill_diagonal_(std::numeric_limits<std::int64_t>::max());
  return {all, distance.argsort(true, 1).narrow(1, 0, kNearest)};
}

}  // namespace

Regions regions_of(const Voxel& size) {
  const auto shortest = *std::min_element(size.begin(), size.end());
  if (shortest < kLeastSide)
    throw std::invalid_argument("regions need " + std::to_string(kLeastSide) +
                                " voxels along every axis, the map has " +
                                std::to_string(shortest));
  return size.size() == 2 ? plane(size) : volume(size);
}

at::Tensor cut(const at::Tensor& map, const at::Tensor& corners) {
  // Positions of a region's voxels in the flattened map: [regions, 3^d].
  auto index = torch::zeros({corners.size(0), 1}, torch::kInt64);
  for (std::int64_t axis = 0; axis < corners.size(1); ++axis) {
    const auto along = corners.select(1, axis).unsqueeze(1) + torch::arange(kSide);
    index = (index.unsqueeze(2) * map.size(axis + 2) + along.unsqueeze(1)).flatten(1);
  }
  const auto voxels = map.flatten(2).index_select(2, index.flatten().to(map.device(), true));
  return voxels.view({map.size(0), map.size(1), corners.size(0), -1}).transpose(1, 2).flatten(2);
}

}  // namespace covector::chaitanya
