#pragma once

#include <filesystem>

namespace covector::testing {

/// PPMI as LONI delivers it. For each of `subjects`, 3100, 3101, ...: a T1 series as DICOM,
/// folder/PPMI/<subject>/SAG_3D_FSPGR_BRAVO/2011-01-20_14_02_03.0/I<1000 + i>/*.dcm, 24 sagittal
/// slices of 32 x 32 pixels, 1.2 x 1 x 1 mm, axes towards (P, I, R); a second visit as NIfTI,
/// PPMI/<subject>/T1-anatomical/2012-.../I<2000 +
/// i>/PPMI_<subject>_MR_T1-anatomical_Br_..._I....nii; and a series that is no T1, Axial_PD-T2_TSE,
/// I<3000 + i>, of one slice. Beside PPMI lies the search's table idaSearch.csv. T1 values are
/// made_up_image(label, 300, i) inside made_up_label() of 3 classes on [D, H, W] = [24, 32, 32]
/// along (R, I, P), and 0 outside, as after the extraction of the brain.
void make_ppmi_tree(const std::filesystem::path& folder, int subjects);

}  // namespace covector::testing
