#pragma once

#include "covector/core/export.h"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace covector::datasets {

/// Finds the image that a name in a table or list means. A name is matched whole and without
/// extension first, then without its first folders (a path may start above the images), then by
/// its last part; nnU-Net's case ids also match their first channel,
/// CASE_0000.
class COVECTOR_API ImageIndex {
 public:
  /// @param stems  of the images: paths relative to the image folder without extension
  explicit ImageIndex(std::vector<std::string> stems);
  /// A second path for an image.
  void add(const std::string& stem, std::size_t image);
  /// @param name   as written: a path, a file name or a case id
  /// @param where  it stands, "splits.csv:12"
  /// @throws DataError for a name that fits no image or several
  std::size_t find(const std::string& name, const std::string& where) const;

 private:
  using Images = std::map<std::string, std::set<std::size_t>>;

  std::vector<std::string> stems_;
  Images whole_;
  Images last_;
};

}  // namespace covector::datasets
