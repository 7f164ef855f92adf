#pragma once

#include "covector/datasets/class_table.h"
#include "covector/datasets/file_dataset.h"
#include "covector/datasets/label_table.h"

#include <optional>
#include <string>
#include <vector>

namespace covector::image_folder {

struct Options : datasets::FileOptions {
  std::string images;
  std::string masks;
  std::string layout = "plain";
  std::string suffix = "T1w";
  std::string mask_suffix;
  std::int64_t dimensions = 2;
  std::int64_t channels = 1;
  datasets::LabelOptions labels;
  datasets::ClassOptions classes;
  std::string patient_pattern;
  std::string patient_table;

  static void describe(Schema<Options>& schema);
};

/// 2D or 3D images in a folder, with masks and classes where there are any.
class ImageFolder final : public datasets::FileDataset {
 public:
  explicit ImageFolder(const Options& options);

  InputSpec input() const override { return {options_.channels, options_.dimensions}; }
  std::vector<std::string> classes() const override { return table_.classes(); }
  std::vector<std::string> image_classes() const override { return options_.classes.names; }
  bool knows_classes() const override { return options_.labels.table.empty(); }

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;

 private:
  std::vector<std::filesystem::path> tables() const override;
  void find_cases(datasets::Listing& listing) const;
  void add_cases(const std::filesystem::path& images, const std::filesystem::path& masks,
                 std::optional<Split> split, datasets::Listing& listing) const;
  void find_classes(datasets::Listing& listing) const;
  void find_patients(std::vector<datasets::Case>& cases) const;
  void match_patients(std::vector<datasets::Case>& cases) const;

  Options options_;
  datasets::LabelTable table_;
};

}  // namespace covector::image_folder
