#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <string>

namespace covector::chestxray8 {

/// Where the parts of the set lie below a root.
struct Places {
  std::filesystem::path set;
  std::filesystem::path table;  // empty where there is none
  /// Folders of images with the view that all of them have, AP or PA; empty: the table tells.
  std::vector<std::pair<std::filesystem::path, std::string>> folders;
  std::string layout;
};

/// Throws DataError where nothing can be recognised.
Places find_places(const std::filesystem::path& root);

/// The images of one view, or of all where `view` is empty, in natural order. An image's stem is
/// its name, and its patient the number before the underscore.
/// @throws DataError for a table that lacks a column, and where the view is asked for but neither
///   folders nor a table name it
datasets::Listing list_images(const Places& places, const std::string& view);

}  // namespace covector::chestxray8
