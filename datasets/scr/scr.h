#pragma once

#include "covector/datasets/file_dataset.h"
#include "covector/datasets/label_table.h"

#include <string>
#include <vector>

namespace covector::scr {

struct Options : datasets::FileOptions {
  Options() { prepare.size = {512, 512}; }
  static void describe(Schema<Options>& schema);
};

/// Chest radiographs of JSRT with SCR's masks of heart, lungs and clavicles.
class Scr final : public datasets::FileDataset {
 public:
  explicit Scr(const Options& options);

  InputSpec input() const override { return {1, 2}; }
  std::vector<std::string> classes() const override {
    return {"background", "heart", "lung", "clavicle"};
  }

  datasets::Listing list() override;
  /// The masks come at half the size of the image; each of their pixels covers 2 x 2 of it.
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override { return {{100, 47, 100}}; }

 private:
  at::Tensor structure(const std::filesystem::path& mask) const;
  at::Tensor drawn(const std::vector<std::filesystem::path>& masks) const;

  datasets::LabelTable values_;  // of a mask, which holds one structure
};

}  // namespace covector::scr
