#pragma once

#include "covector/datasets/file_dataset.h"
#include "covector/datasets/label_table.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::fives {

struct Options : datasets::FileOptions {
  Options() { prepare.size = {512, 512}; }
  static void describe(Schema<Options>& schema);
};

/// Photographs of the retina with their vessels.
class Fives final : public datasets::FileDataset {
 public:
  explicit Fives(const Options& options);

  InputSpec input() const override { return {1, 2}; }
  std::vector<std::string> classes() const override { return table_.classes(); }

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override { return {{540, 60, 200}}; }

 private:
  void add_folder(const std::filesystem::path& set, const std::string& part,
                  datasets::Listing& listing) const;

  bool by_folders_;
  datasets::LabelTable table_;
};

}  // namespace covector::fives
