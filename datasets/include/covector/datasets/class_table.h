#pragma once

#include "covector/core/schema.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector::datasets {

/// Which class each image as a whole belongs to; the sub-table `classes` of a dataset.
struct COVECTOR_API ClassOptions {
  std::vector<std::string> names;
  std::string by = "folders";
  std::string table;
  std::string file_column = "file";
  std::string label_column = "label";
  std::string patient_column;

  bool given() const { return !names.empty(); }
  static void describe(Schema<ClassOptions>& schema);
};

/// An image whose class is asked for.
struct ClassedImage {
  std::string stem;  // below the image folder, without extension; names it in tables
  std::filesystem::path path;
};

/// Classes of images, numbered as the options name them, from 0.
class COVECTOR_API ClassTable {
 public:
  /// @param root  folder that a relative path of the table is taken from, and folders are looked
  /// for
  ///              below
  /// @throws DataError with file and line for a table that cannot be read, a label that is no
  /// class,
  ///   a row that names no image, an image with two rows, an empty cell
  ClassTable(const ClassOptions& options, const std::filesystem::path& root,
             std::vector<ClassedImage> images);

  /// @throws DataError for an image in no folder, or in two, that is named as a class, or without a
  ///   row in the table
  std::int64_t class_of(std::size_t image) const;
  /// Empty without a column of patients.
  std::string patient_of(std::size_t image) const;

 private:
  struct Row {
    std::int64_t label;
    std::string patient;
    std::string where;
  };

  void read_table(const std::filesystem::path& path);
  std::optional<std::int64_t> number_of(const std::string& name) const;
  std::string names() const;

  ClassOptions options_;
  std::filesystem::path root_;
  std::vector<ClassedImage> images_;
  std::vector<std::optional<Row>> rows_;  // by image, of a table
};

}  // namespace covector::datasets
