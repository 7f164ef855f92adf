#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace covector::stoic {

struct Options : datasets::FileOptions {
  std::string labels = "covid";
  std::string lungs;

  Options();
  static void describe(Schema<Options>& schema);
};

/// Chest CT of people with and without COVID-19: STOIC 2021.
class Stoic final : public datasets::FileDataset {
 public:
  explicit Stoic(const Options& options);

  InputSpec input() const override { return {1, 3}; }
  std::vector<std::string> classes() const override { return {}; }
  std::vector<std::string> image_classes() const override;

  datasets::Listing list() override;
  /// Cropped to the smallest box that holds the lungs, where there are masks of them.
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override;

 private:
  using Rows = std::map<std::string, std::int64_t>;  // class by PatientID
  std::vector<std::filesystem::path> tables() const override { return {table_}; }
  Rows read_table(const std::filesystem::path& path, datasets::Listing& listing) const;
  void add_scan(const std::filesystem::path& image, const Rows& rows,
                const std::map<std::string, std::filesystem::path>& lungs,
                datasets::Listing& listing) const;

  Options options_;
  std::filesystem::path table_;  // known once listed
};

}  // namespace covector::stoic
