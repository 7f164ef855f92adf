#pragma once

#include "covector/datasets/file_dataset.h"
#include "covector/datasets/label_table.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::feta21 {

struct Options : datasets::FileOptions {
  std::string pipeline = "all";

  Options();
  static void describe(Schema<Options>& schema);
};

/// T2 volumes of fetal brains with seven labelled tissues: FeTA 2021, release 2.1.
class Feta21 final : public datasets::FileDataset {
 public:
  explicit Feta21(const Options& options);

  InputSpec input() const override { return {1, 3}; }
  std::vector<std::string> classes() const override { return table_.classes(); }

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override { return {{20, 20, 40}}; }

 private:
  void add_subject(const std::filesystem::path& subject, datasets::Listing& listing) const;

  Options options_;
  datasets::LabelTable table_;
};

}  // namespace covector::feta21
