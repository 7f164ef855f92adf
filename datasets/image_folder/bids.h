#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <string>

namespace covector::image_folder {

/// Finds the images of a BIDS folder, sub-*/[ses-*/]DATATYPE/*_SUFFIX.*; the patient is the
/// subject. A mask lies beside its image, or at the same place below derivatives/PIPELINE/, under
/// the image's name with the mask's suffix, where further entities may stand before it:
/// sub-1_T1w has sub-1_dseg or sub-1_desc-brain_dseg.
/// @param mask_suffix  empty: no masks
/// @throws DataError where there is no such image
/// Source: Brain Imaging Data Structure 1.9, "Magnetic Resonance Imaging" and "Derivatives".
void add_bids(const std::filesystem::path& root, std::int64_t dimensions, const std::string& suffix,
              const std::string& mask_suffix, datasets::Listing& listing);

}  // namespace covector::image_folder
