#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace covector::datasets {

/// A folder of pictures and its table of contents, `pictures.json`, from which a report knows what
/// to show in which order:
///
///   [{"file": "0-fixed.png", "title": "fixed view"}, ...]
///
/// The table is complete after every picture; a folder written before is described anew.
class COVECTOR_API PictureFolder {
 public:
  /// Makes the folder. Throws DataError with the path when that fails.
  explicit PictureFolder(std::filesystem::path folder);

  /// Writes `name`.png and lists it under `title`.
  /// @param picture  [3, H, W] uint8; see picture.h
  /// @throws         DataError with the path when a file cannot be written
  void add(const std::string& name, const at::Tensor& picture, const std::string& title);

 private:
  void write_table() const;

  std::filesystem::path folder_;
  std::vector<std::pair<std::string, std::string>> listed_;  // file, title
};

}  // namespace covector::datasets
