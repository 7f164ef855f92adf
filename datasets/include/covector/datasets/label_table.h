#pragma once

#include "covector/core/schema.h"
#include "covector/datasets/image.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace covector::datasets {

/// One class made of several stored values.
struct COVECTOR_API LabelGroup {
  std::string name;
  std::vector<std::int64_t> values;
  std::vector<std::string> structures;

  static void describe(Schema<LabelGroup>& schema);
};

/// Which stored values of a mask make which class; the sub-table `labels` of a dataset.
struct COVECTOR_API LabelOptions {
  std::string table;
  std::vector<LabelGroup> groups;
  std::string unlisted = "error";

  bool given() const { return !table.empty() || !groups.empty(); }
  static void describe(Schema<LabelOptions>& schema);
};

/// Stored value -> class. Class 0 is background; the others number as they first appear in the
/// groups, or in the table when there are no groups. Rows of a table that share a name make one
/// class.
class COVECTOR_API LabelTable {
 public:
  LabelTable() = default;
  /// @param root  folder that a relative path of the table is taken from
  /// @throws DataError for an unreadable table, a structure it does not name, a value given twice
  LabelTable(const LabelOptions& options, const std::filesystem::path& root);

  /// Of a set whose values are fixed; any other value is an error.
  explicit LabelTable(const std::vector<LabelGroup>& groups);

  const std::vector<std::string>& classes() const { return classes_; }
  /// @param stored  a mask as read, any number type
  /// @returns       uint8 classes, same shape
  /// @throws DataError naming `path` and the value for one that is not listed (unless they are
  ///   background by option) or no whole number
  at::Tensor classes_of(const at::Tensor& stored, const std::filesystem::path& path) const;
  /// The mask of a file as classes, once it is known to fit its image.
  /// @throws DataError as read_mask(), check_mask_fits() and classes_of() do
  at::Tensor read(const std::filesystem::path& mask, const Image& image,
                  const std::filesystem::path& image_path) const;

 private:
  void add(std::int64_t value, const std::string& name);

  std::vector<std::string> classes_;
  std::map<std::int64_t, std::uint8_t> class_of_;
  bool unlisted_is_background_ = false;
  bool fixed_ = false;
};

/// The mask of a file: one channel of the stored type. Indexed colours are read as indices; an RGB
/// file must be gray (all channels equal). Throws DataError.
COVECTOR_API Image read_mask(const std::filesystem::path& path);
/// Throws DataError naming both files unless mask and image have the same size and, where both name
/// their placement, lie within half a voxel of each other.
COVECTOR_API void check_mask_fits(const Image& mask, const std::filesystem::path& mask_path,
                                  const Image& image, const std::filesystem::path& image_path);

}  // namespace covector::datasets
