#pragma once

#include "covector/core/dataset.h"
#include "covector/core/schema.h"
#include "covector/datasets/geometry.h"
#include "covector/datasets/label_table.h"
#include "covector/datasets/preparation.h"
#include "covector/datasets/volume_cache.h"

#include <optional>
#include <string>
#include <vector>

namespace covector::volume_slices {

/// One volume, with its labels where there are any.
struct Volume {
  std::string image;
  std::string label;
  std::string name;
  std::string patient;
  std::string split;

  static void describe(Schema<Volume>& schema);
};

/// Runs of neighbouring slices that go to one split together. Neighbours look alike, so a split
/// slice by slice would measure memory; a gap between runs of different splits keeps them apart.
struct Blocks {
  std::int64_t length = 12;
  std::vector<std::string> pattern{"train", "train", "validation", "train", "train", "test"};
  std::int64_t gap = 2;

  static void describe(Schema<Blocks>& schema);
};

struct Options {
  std::string root;
  std::vector<Volume> volumes;
  std::string axis = "axial";
  std::int64_t dimensions = 2;
  std::int64_t channels = 1;
  datasets::LabelOptions labels;
  Blocks blocks;
  std::int64_t min_foreground = 0;
  datasets::Preparation prepare;
  std::int64_t cache_mb = 2048;

  static void describe(Schema<Options>& schema);
};

/// The split of each of `count` slices; nothing for those that a gap drops. `gap` slices go on each
/// side of a border between blocks of different splits.
std::vector<std::optional<Split>> split_by_blocks(std::int64_t count, const Blocks& blocks);

/// 2D slices of volumes, or 3D blocks of slices.
class VolumeSlices final : public Dataset {
 public:
  explicit VolumeSlices(const Options& options);

  InputSpec input() const override { return {options_.channels, options_.dimensions}; }
  void open() override;
  std::int64_t size() const override { return static_cast<std::int64_t>(slices_.size()); }
  Sample get(std::int64_t index) const override;
  std::string id(std::int64_t index) const override;
  std::string patient(std::int64_t index) const override;
  std::vector<std::int64_t> indices(Split split) const override;
  std::vector<std::string> classes() const override { return table_.classes(); }
  Sample read(const std::filesystem::path& file) const override;
  std::string fingerprint() const override;

 private:
  struct Place {  // of a volume, known once it was opened
    std::filesystem::path image, label;
    std::string name;
    std::int64_t count = 0;
    Geometry geometry;  // of the volume as its slices are taken
    datasets::ImageInfo info;
  };
  struct Slice {
    std::size_t volume;
    std::int64_t position;
    std::int64_t length;  // slices of a block
    Split split;
  };

  datasets::Image oriented(datasets::Image image, const std::filesystem::path& path) const;
  Place open_volume(std::size_t volume) const;
  void add_slices(std::size_t volume);
  std::vector<Slice> slices_in(std::size_t volume) const;
  at::Tensor image_of(const Place& place) const;
  at::Tensor label_of(const Place& place) const;
  at::Tensor cut(const at::Tensor& volume, const Slice& slice) const;
  Geometry geometry_of(const Slice& slice) const;

  Options options_;
  datasets::LabelTable table_;
  std::vector<Place> places_;
  std::vector<Slice> slices_;
  mutable datasets::VolumeCache cache_;
};

}  // namespace covector::volume_slices
