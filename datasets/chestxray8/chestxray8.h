#pragma once

#include "nih_files.h"

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::chestxray8 {

struct Options : datasets::FileOptions {
  std::string view = "all";

  Options() { prepare.size = {512, 512}; }
  static void describe(Schema<Options>& schema);
};

/// Chest radiographs of the NIH, without labels.
class Chestxray8 final : public datasets::FileDataset {
 public:
  explicit Chestxray8(const Options& options);

  InputSpec input() const override { return {1, 2}; }
  std::vector<std::string> classes() const override { return {}; }

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  /// All of them pretrain.
  datasets::SplitCounts paper_counts() const override { return {{112120, 0, 0}}; }

 private:
  std::vector<std::filesystem::path> tables() const override;

  std::string view_;  // empty: all
  std::filesystem::path table_;
};

}  // namespace covector::chestxray8
