#pragma once

#include <filesystem>

namespace covector::testing {

enum class PdcxrLayout { mendeley, kaggle };

/// PDCXR as it unpacks below `folder`: CellData/chest_xray of Mendeley's version 3, or chest_xray
/// of Kaggle with its val, a second chest_xray inside, __MACOSX and .DS_Store. Per folder of train
/// `count` patients without pneumonia and as many with a bacterial and with a viral one, each with
/// two images; per folder of test one of each. JPEGs of 8 x 8: gray, but those of viruses are RGB.
/// As in the original, numbers of bacteria and viruses run side by side: person1_bacteria is to
/// train, person1_virus to test.
void make_pdcxr_tree(const std::filesystem::path& folder, PdcxrLayout layout, int count);

}  // namespace covector::testing
