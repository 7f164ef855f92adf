#pragma once

#include "covector/core/dataset.h"
#include "covector/core/schema.h"
#include "covector/datasets/class_table.h"
#include "covector/datasets/label_table.h"
#include "covector/datasets/preparation.h"
#include "covector/datasets/splits.h"

#include <optional>
#include <string>
#include <vector>

namespace covector::image_folder {

struct Options {
  std::string root;
  std::string images;
  std::string masks;
  std::int64_t dimensions = 2;
  std::int64_t channels = 1;
  datasets::LabelOptions labels;
  datasets::ClassOptions classes;
  datasets::SplitOptions split;
  std::string patient_pattern;
  std::string patient_table;
  datasets::Preparation prepare;
  std::string on_error = "stop";

  static void describe(Schema<Options>& schema);
};

/// An image found under a folder.
struct Found {
  std::filesystem::path path;
  std::string stem;  // relative to the folder, without extension, "/" between parts
};

/// Image files under `folder`, at any depth, numbers in names compared as numbers. In 3D a folder
/// with several .dcm files is one image, a DICOM series.
std::vector<Found> find_images(const std::filesystem::path& folder, std::int64_t dimensions);
/// "case2" before "case10".
bool natural_less(const std::string& a, const std::string& b);

/// 2D or 3D images in a folder, with masks and classes where there are any.
class ImageFolder final : public Dataset {
 public:
  explicit ImageFolder(const Options& options);

  InputSpec input() const override { return {options_.channels, options_.dimensions}; }
  void open() override;
  std::int64_t size() const override { return static_cast<std::int64_t>(items_.size()); }
  Sample get(std::int64_t index) const override;
  std::string id(std::int64_t index) const override { return item(index).id; }
  std::string patient(std::int64_t index) const override { return item(index).patient; }
  std::vector<std::int64_t> indices(Split split) const override;
  std::vector<std::string> classes() const override { return table_.classes(); }
  std::vector<std::string> image_classes() const override { return options_.classes.names; }
  std::optional<std::int64_t> image_class(std::int64_t index) const override {
    return item(index).image_class;
  }
  bool knows_classes() const override { return options_.labels.table.empty(); }
  Sample read(const std::filesystem::path& file) const override;
  std::string fingerprint() const override;
  std::vector<std::string> skipped() const override { return skipped_; }

 private:
  struct Item {
    std::string id, stem, patient;
    std::filesystem::path image, mask;
    std::optional<Split> split;
    std::optional<std::int64_t> image_class;
  };

  const Item& item(std::int64_t index) const { return items_.at(static_cast<std::size_t>(index)); }
  void find_items();
  void add_items(const std::filesystem::path& images, const std::filesystem::path& masks,
                 std::optional<Split> split);
  void check_ids() const;
  void find_classes();
  void find_patients();
  void assign_splits();
  void check_classes() const;
  void drop_unreadable();
  Sample load(const Item& item) const;

  Options options_;
  datasets::LabelTable table_;
  std::vector<Item> items_;
  std::vector<std::string> skipped_;
};

}  // namespace covector::image_folder
