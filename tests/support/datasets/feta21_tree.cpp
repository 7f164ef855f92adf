#include "support/datasets/feta21_tree.h"

#include "support/datasets/made_up_volume.h"

#include <torch/types.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace covector::testing {

void make_feta21_tree(const std::filesystem::path& folder, int subjects) {
  std::filesystem::create_directories(folder);
  std::ofstream table(folder / "participants.tsv");
  table << "participant_id\tPathology\tGestational age\n";
  const auto label = made_up_label({32, 32, 32}, 7);
  for (int number = 1; number <= subjects; ++number) {
    char name[16];
    std::snprintf(name, sizeof name, "sub-%03d", number);
    table << name << (number % 3 ? "\tNeurotypical\t" : "\tPathological\t") << 20 + number % 15
          << ".5\n";
    const bool mial = number <= subjects / 2;
    const auto start =
        (folder / name / "anat" / name).string() + (mial ? "_rec-mial_" : "_rec-irtk_");
    const auto image = made_up_image(label, 50, number).to(torch::kFloat);
    write_volume(image, {0.5, 0.5, 0.5}, start + "T2w.nii.gz");
    write_volume(label, {0.5, 0.5, 0.5}, start + "dseg.nii.gz");
    std::ofstream(start + "T2w.json") << "{\"Manufacturer\": \"GE\"}\n";
  }
}

}  // namespace covector::testing
