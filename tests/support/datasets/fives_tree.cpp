#include "fives_tree.h"

#include "datasets/files.h"

#include "covector/datasets/image.h"

#include <torch/types.h>

#include <string>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSide = 32;

void write(const at::Tensor& picture, const fs::path& path) {
  fs::create_directories(path.parent_path());
  datasets::write_png(picture, path);
}

void make_case(const fs::path& part, int number) {
  const auto kind = std::string("NADG").substr(static_cast<std::size_t>(number % 4), 1);
  const auto name = std::to_string(number) + "_" + kind + ".png";
  auto photograph = torch::empty({3, kSide, kSide}, torch::kUInt8);
  auto mask = torch::zeros({kind == "N" ? 1 : 3, kSide, kSide}, torch::kUInt8);
  for (std::int64_t row = 0; row < kSide; ++row) {
    if (fives_vessel(row, number)) mask.select(1, row).fill_(255);
    for (int channel = 0; channel < 3; ++channel)
      for (std::int64_t column = 0; column < kSide; ++column)
        photograph[channel][row][column] = fives_value(channel, row, column, number);
  }
  write(photograph, part / "Original" / name);
  write(mask, part / "Ground truth" / name);
}

}  // namespace

bool fives_vessel(std::int64_t row, int number) {
  return row % 8 == number % 8;
}

int fives_value(int channel, std::int64_t row, std::int64_t column, int number) {
  if (channel == 0) return 200;
  if (channel == 1) return fives_vessel(row, number) ? 40 : 100;
  return static_cast<int>(4 * column);
}

void make_fives_tree(const fs::path& folder, int of_each) {
  const std::string name = "FIVES A Fundus Image Dataset for AI-based Vessel Segmentation";
  const auto set = folder / name / name;
  for (int number = 1; number <= 4 * of_each; ++number) make_case(set / "train", number);
  for (int number = 1; number <= 4; ++number) make_case(set / "test", number);
  write_file(set / "Quality Assessment.xlsx", "PK");
  write_file(set / "train/Original/Thumbs.db", "x");
}

}  // namespace covector::testing
