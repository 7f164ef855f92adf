#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>

namespace covector::scr {

/// What of JSRT and SCR lies below `root`, at any depth:
/// - JPCLN001.IMG ..., in All247images or in Nodule154images and NonNodule93images, with
///   fold1|fold2/masks/{heart,left lung,right lung,left clavicle,right clavicle}/JPCLN001.gif;
/// - or, as in the code of GEMINI, image/*.png beside label/{heart,lung,clavicle}/*.png, also below
///   train/labeled and test/labeled, which are the parts then.
/// The masks of a case are in the order of the folders above.
/// @throws DataError where neither is there
datasets::Listing find_scr(const std::filesystem::path& root);

}  // namespace covector::scr
