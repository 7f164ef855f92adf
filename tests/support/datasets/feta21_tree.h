#pragma once

#include <filesystem>

namespace covector::testing {

/// FeTA 2.1 as it is unpacked: folder/sub-001/anat/sub-001_rec-mial_T2w.nii.gz with _dseg.nii.gz
/// and _T2w.json, the first half of `subjects` by mial, the others by irtk, and participants.tsv
/// with the gestational age in its third column. Volumes of 32^3 voxels of 0.5 mm. Images are
/// float32, made_up_image(label, 50, number of the subject); labels made_up_label() of 7 classes,
/// uint8.
void make_feta21_tree(const std::filesystem::path& folder, int subjects);

}  // namespace covector::testing
