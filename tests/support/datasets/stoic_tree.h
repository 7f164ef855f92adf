#pragma once

#include <filesystem>

namespace covector::testing {

/// STOIC 2021 as it is downloaded: folder/data/mha/<PatientID>.mha for PatientID 1, 12, 23, ... and
/// metadata/reference.csv; two of three have COVID-19, every second of all is called severe. int16
/// volumes of 20 x 32 x 32 voxels of 2 x 1 x 1 mm, HU = -1000 + made_up_image(label, 600, number)
/// with made_up_label() of 2 classes, the lungs; headers name PatientAge (035Y, ...), PatientSex
/// and SliceThickness, as the official ones do. folder/lungs/<PatientID>.nii.gz holds the label, as
/// Lungmask writes it.
void make_stoic_tree(const std::filesystem::path& folder, int scans);

}  // namespace covector::testing
