#pragma once

#include <filesystem>

namespace covector::testing {

/// What recipes/base/smoke.toml and smoke-3d.toml read, the same every time: 20 pictures of 48 x 48
/// (images/case-00.png, masks/) and 8 volumes of 24 x 32 x 32 voxels of 2 x 1 x 1 mm
/// (volumes/case-0.nii.gz, volume-masks/). Each shows a disc or ball (1) and a square or cube (2),
/// brighter than the background (0), under noise. classes.csv and volume-classes.csv call those
/// with the larger half of the discs or balls "large" and the others "small".
void make_smoke_images(const std::filesystem::path& folder);

}  // namespace covector::testing
