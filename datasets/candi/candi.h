#pragma once

#include "covector/datasets/file_dataset.h"
#include "covector/datasets/label_table.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::candi {

struct Options : datasets::FileOptions {
  Options();
  static void describe(Schema<Options>& schema);
};

/// T1 volumes of brains with 28 labelled structures: CANDI's SchizBull_2008.
class Candi final : public datasets::FileDataset {
 public:
  explicit Candi(const Options& options);

  InputSpec input() const override { return {1, 3}; }
  std::vector<std::string> classes() const override { return table_.classes(); }

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override { return {{40, 20, 43}}; }

 private:
  std::string root_;
  datasets::LabelTable table_;
};

}  // namespace covector::candi
