#pragma once

#include <filesystem>

namespace covector::testing {

/// KiPA22 as train.zip leaves it: folder/train/image/{0 ... count - 1}.nii.gz and train/label/
/// alike, numbers without leading zeros. Volumes of 16 x 32 x 32 voxels of 0.7 x 0.6 x 0.6 mm.
/// Images are uint16 without a slope and hold HU + 1024, HU = -90 + made_up_image(label, 70,
/// number); labels are made_up_label() of 4 classes, uint8.
void make_kipa22_tree(const std::filesystem::path& folder, int count);

}  // namespace covector::testing
