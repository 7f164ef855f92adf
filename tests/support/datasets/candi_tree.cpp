#include "support/datasets/candi_tree.h"

#include "support/datasets/made_up_volume.h"

#include <torch/types.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace covector::testing {
namespace {

at::Tensor stored_label(const at::Tensor& classes) {
  const auto numbers = torch::tensor({0,  2,  3,  4,  7,  8,  10, 11, 12, 13, 14, 15, 16, 17, 18,
                                      24, 28, 41, 42, 43, 46, 47, 49, 50, 51, 52, 53, 54, 60, 5},
                                     torch::kInt64);
  return numbers.index({classes.to(torch::kInt64)}).to(torch::kUInt8);
}

}  // namespace

void make_candi_tree(const std::filesystem::path& folder, int subjects, CandiNames names) {
  const std::vector<double> spacing{1.5, 0.94, 0.94};
  const std::vector<double> coronal{1, 0, 0, 0, 0, 1, 0, 1, 0};  // x: L, y: S, z: P
  const auto classes = made_up_label({48, 40, 40}, 29);
  const std::pair<std::string, int> groups[] = {
      {"HC", 1}, {"BPDwoPsy", 30}, {"BPDwPsy", 65}, {"SS", 84}};
  for (const auto& [group, first] : groups) {
    std::filesystem::create_directories(folder / group);
    std::ofstream table(folder / (group + "_demographics.csv"));
    table << "Subject,Gender,Age\r\n";
    for (int number = first; number < first + subjects; ++number) {
      char digits[8];
      std::snprintf(digits, sizeof digits, "%03d", number);
      const auto name = group + "_" + digits;
      const bool nitrc = names == CandiNames::nitrc;
      const auto image = nitrc ? std::string("anat") : name + "_procimg";
      const auto label = nitrc ? "seg" : name + (names == CandiNames::dot ? ".seg" : "_seg");
      write_volume(made_up_image(classes, 30, number).to(torch::kInt16), spacing,
                   folder / group / name / (image + ".nii.gz"), coronal);
      write_volume(stored_label(classes), spacing, folder / group / name / (label + ".nii.gz"),
                   coronal);
      table << name << ",M," << 5 + number % 12 << "\r\n";
    }
  }
}

}  // namespace covector::testing
