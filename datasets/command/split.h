#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>

namespace covector::data_command {

/// Writes the splits of a set that is open, into a folder:
///   datalist.json      MONAI: training, validation and test, with the paths of images and labels
///                      relative to the set's root
///   splits_final.json  nnU-Net: one fold of train and val
///   splits.csv         id, split, patient
/// split.by = "file" reads each of them. Throws Error when one is there already, or cannot be
/// written.
void write_splits(const datasets::FileDataset& set, const std::filesystem::path& folder);

}  // namespace covector::data_command
