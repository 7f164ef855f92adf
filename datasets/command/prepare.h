#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace covector::data_command {

/// Prepares every image of a set, which it opens, into its cache in `folder`; goes on with one that
/// was begun.
/// @param options  of the set, kept beside the images for people
/// @returns        0, or 128 + the number of the signal that asked it to stop
/// Throws DataError for an image that cannot be used, Error where the disk is too small or cannot
/// be written.
int prepare(datasets::FileDataset& set, const std::filesystem::path& folder,
            const std::string& options, int jobs, std::ostream& out);

/// "1.5 GB", of 10^9 bytes.
std::string size_text(double bytes);

}  // namespace covector::data_command
