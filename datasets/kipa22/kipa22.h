#pragma once

#include "covector/datasets/file_dataset.h"
#include "covector/datasets/label_table.h"
#include "covector/datasets/volume_cache.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace covector::kipa22 {

struct Options : datasets::FileOptions {
  std::int64_t dimensions = 3;
  std::string values = "auto";
  std::int64_t cache_mb = 2048;

  Options();
  static void describe(Schema<Options>& schema);
};

/// Kidney CT with the labels of vein, kidney, artery and tumour, as volumes or slice by slice.
/// What it yields is in Hounsfield units before the preparation.
class Kipa22 final : public datasets::FileDataset {
 public:
  explicit Kipa22(const Options& options);

  InputSpec input() const override { return {1, options_.dimensions}; }
  std::vector<std::string> classes() const override { return table_.classes(); }

  /// Reads headers, and the first volume for the note that tells what its values are.
  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override;

 private:
  void add_volume(const std::string& name, const std::filesystem::path& image,
                  const std::filesystem::path& mask, datasets::Listing& listing);
  void add_notes(datasets::Listing& listing) const;
  datasets::Image hounsfield(datasets::Image image) const;

  Options options_;
  datasets::LabelTable table_;
  std::map<std::string, datasets::Image> headers_;  // of the volumes that are served in slices
  mutable datasets::VolumeCache cache_;
};

}  // namespace covector::kipa22
