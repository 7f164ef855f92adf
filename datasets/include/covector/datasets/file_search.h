#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace covector::datasets {

/// An image found under a folder.
struct Found {
  std::filesystem::path path;
  std::string stem;  // relative to the folder, without extension, "/" between parts
};

/// Image files under `folder`, at any depth, numbers in names compared as numbers. Names that start
/// with a dot, and what lies in __MACOSX, are strays of other systems and passed over. In 3D a
/// folder with several .dcm files is one image, a DICOM series.
COVECTOR_API std::vector<Found> find_images(const std::filesystem::path& folder,
                                            std::int64_t dimensions);
/// Folders directly in `folder` whose names start so, numbers in names compared as numbers.
COVECTOR_API std::vector<std::filesystem::path> find_folders(const std::filesystem::path& folder,
                                                             const std::string& prefix);
/// Where a set lies: `root` itself, or one of the folders up to two levels below it, which is what
/// a set unpacked into a folder of its own name, or the folder above it, looks like.
/// @param holds_set  whether a folder is the set's
/// @param expected   the layouts known, for the message: "train/image/0.nii.gz"
/// @throws DataError where no folder holds it, or several of one level do
COVECTOR_API std::filesystem::path find_set(
    const std::filesystem::path& root,
    const std::function<bool(const std::filesystem::path&)>& holds_set,
    const std::string& expected);
/// "case2" before "case10".
COVECTOR_API bool natural_less(const std::string& a, const std::string& b);
/// Throws DataError unless it is a folder; `check` ends the message: "check root".
COVECTOR_API void check_folder(const std::filesystem::path& folder, const std::string& check);

}  // namespace covector::datasets
