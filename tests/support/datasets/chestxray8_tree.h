#pragma once

#include <filesystem>

namespace covector::testing {

enum class NihLayout { nih, nih_apart, kaggle, gemini };

/// ChestX-ray8 below `folder`: `patients` of them, 00000001_000.png, 00000001_001.png,
/// 00000002_000.png ..., two images each, the first AP and the second PA, patients with odd numbers
/// male. PNGs of 32 x 32, gray, but image 000 of patient 2 has four channels.
/// - nih: images/ and Data_Entry_2017_v2020.csv
/// - nih_apart: images_01/images and images_02/images, ages as 058Y
/// - kaggle: images_001/images and images_002/images, and Data_Entry_2017.csv with the empty last
///   column
/// - gemini: AP_F, AP_M, PA_F, PA_M, no table
/// All but the last with BBox_List_2017.csv, train_val_list.txt (all patients but the last) and
/// test_list.txt. As in the original, no table quotes the commas of its header.
void make_chestxray8_tree(const std::filesystem::path& folder, NihLayout layout, int patients);

}  // namespace covector::testing
