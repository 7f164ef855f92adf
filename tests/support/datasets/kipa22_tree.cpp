#include "support/datasets/kipa22_tree.h"

#include "support/datasets/made_up_volume.h"

#include <torch/types.h>

namespace covector::testing {

void make_kipa22_tree(const std::filesystem::path& folder, int count) {
  const auto label = made_up_label({16, 32, 32}, 4);
  for (int number = 0; number < count; ++number) {
    const auto name = std::to_string(number) + ".nii.gz";
    const auto image = (made_up_image(label, 70, number) - 90 + 1024).to(torch::kUInt16);
    write_volume(image, {0.7, 0.6, 0.6}, folder / "train/image" / name);
    write_volume(label, {0.7, 0.6, 0.6}, folder / "train/label" / name);
  }
}

}  // namespace covector::testing
