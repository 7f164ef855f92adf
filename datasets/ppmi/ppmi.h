#pragma once

#include "covector/datasets/file_dataset.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace covector::ppmi {

struct Options : datasets::FileOptions {
  std::string description = "T1|MP-?RAGE|SPGR";
  std::string table;

  Options();
  static void describe(Schema<Options>& schema);
};

/// What the place or the name of a series says about it.
struct Series {
  std::string subject;
  std::string description;
  std::string image_id;  // "I123456", or a series number "S12345" where LONI uses those
};

/// From PPMI/<subject>/<description>/<YYYY-MM-DD_hh_mm_ss.0>/<I...>/ or
/// PPMI_<subject>_MR_<description>_Br_<...>_S<...>_I<...>; nothing for any other path.
std::optional<Series> series_of(const std::filesystem::path& path);

/// T1 volumes of brains, for pretraining: PPMI, as LONI's archive delivers it.
class Ppmi final : public datasets::FileDataset {
 public:
  explicit Ppmi(const Options& options);

  InputSpec input() const override { return {1, 3}; }
  std::vector<std::string> classes() const override { return {}; }

  datasets::Listing list() override;
  datasets::Stored load(const datasets::Case& item) const override;
  datasets::Image load_image(const std::filesystem::path& file) const override;
  datasets::SplitCounts paper_counts() const override { return {{837, 0, 0}}; }

 private:
  using Descriptions = std::map<std::string, std::string>;  // of LONI's table, by image number
  std::vector<std::filesystem::path> tables() const override;
  Descriptions read_table() const;
  std::optional<std::string> description_of(const Series& series,
                                            const Descriptions& described) const;

  Options options_;
};

}  // namespace covector::ppmi
