#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector::pdcxr {

struct Options : datasets::FileOptions {
  std::string classes = "two";

  Options() { prepare.size = {512, 512}; }
  static void describe(Schema<Options>& schema);
};

/// What the name of an image says.
struct Name {
  std::string kind;     // NORMAL, BACTERIA or VIRUS
  std::string patient;  // "BACTERIA 1000", "NORMAL2-IM 0035"
};
/// NORMAL-1049278-0001, BACTERIA-..., VIRUS-... of Mendeley v3; IM-0115-0001, NORMAL2-IM-0035-0001,
/// person1000_bacteria_2981, person..._virus_... of v2 and Kaggle. Nothing for another name.
std::optional<Name> parse_name(const std::string& name);

/// Chest radiographs of children, with pneumonia or without.
class Pdcxr final : public datasets::FileDataset {
 public:
  explicit Pdcxr(const Options& options);

  InputSpec input() const override { return {1, 2}; }
  std::vector<std::string> classes() const override { return {}; }
  std::vector<std::string> image_classes() const override;

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override;

 private:
  void add_folder(const std::filesystem::path& set, const std::string& part,
                  const std::string& condition, datasets::Listing& listing) const;

  Options options_;
};

}  // namespace covector::pdcxr
