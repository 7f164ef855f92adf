#include "volume_slices.h"

#include "covector/core/error.h"
#include "covector/datasets/fingerprint.h"

#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace covector::volume_slices {
namespace {

bool is_patient_axis(const std::string& axis) {
  return axis == "axial" || axis == "coronal" || axis == "sagittal";
}

// The tensor axis, channels not counted, that slices are taken across. Patient axes: S, P, L.
std::int64_t axis_number(const std::string& axis) {
  if (axis == "axial" || axis == "0") return 0;
  if (axis == "coronal" || axis == "1") return 1;
  return 2;
}

std::optional<Split> split_of(const std::string& name) {
  for (const auto split : {Split::train, Split::validation, Split::test})
    if (to_string(split) == name) return split;
  return std::nullopt;
}

const std::vector<std::string> kSplits{"train", "validation", "test"};

bool is_split(const std::string& name) {
  return std::find(kSplits.begin(), kSplits.end(), name) != kSplits.end();
}

}  // namespace

void Volume::describe(Schema<Volume>& schema) {
  schema.summary("One volume, with its labels where there are any.");
  schema.field("image", &Volume::image)
      .doc("image file or folder of a DICOM series; a relative path starts at root");
  schema.field("label", &Volume::label).doc("label volume on the same grid; empty: none");
  schema.field("name", &Volume::name).doc("start of the ids of its slices; empty: the file's name");
  schema.field("patient", &Volume::patient).doc("whose volume it is; empty: not known");
  schema.field("split", &Volume::split)
      .doc("split of the whole volume; empty: by blocks")
      .require([](const std::string& name) { return name.empty() || is_split(name); },
               "one of \"train\", \"validation\", \"test\"");
  schema.rule([](const Volume& volume) {
    return volume.image.empty() ? std::string("a volume needs image = \"...\"") : std::string();
  });
}

void Blocks::describe(Schema<Blocks>& schema) {
  schema.summary("Runs of neighbouring slices that go to one split together.");
  schema.field("length", &Blocks::length).doc("slices a block").at_least(std::int64_t{1});
  schema.field("pattern", &Blocks::pattern)
      .doc("split of each block, over and over: \"train\", \"validation\" or \"test\"")
      .require(
          [](const std::vector<std::string>& pattern) {
            return !pattern.empty() && std::all_of(pattern.begin(), pattern.end(), is_split);
          },
          "a list of \"train\", \"validation\" and \"test\"");
  schema.field("gap", &Blocks::gap)
      .doc("slices dropped on each side of a border between blocks of different splits")
      .at_least(std::int64_t{0});
}

void Options::describe(Schema<Options>& schema) {
  schema.summary(
      "2D slices of volumes along an axis, or 3D blocks of slices, some blocks held out.");
  schema.field("root", &Options::root).doc("folder that relative paths start at");
  schema.field("volumes", &Options::volumes)
      .doc("[{ image = \"ct.nii.gz\", label = \"organs.nii.gz\" }]");
  schema.field("axis", &Options::axis)
      .doc(
          "\"axial\", \"coronal\", \"sagittal\": by the patient's axes, shown as radiologists see "
          "them (head up, patient's right on the picture's left); \"0\", \"1\", \"2\": across this "
          "axis (D, H, W) of the array as stored")
      .one_of({"axial", "coronal", "sagittal", "0", "1", "2"});
  schema.field("dimensions", &Options::dimensions)
      .doc(
          "2: each slice is an image; 3: each block of slices, or a volume with a split of its own")
      .between(std::int64_t{2}, std::int64_t{3});
  schema.field("channels", &Options::channels)
      .doc("channels of a slice")
      .require([](std::int64_t n) { return n == 1 || n == 3; }, "1 or 3");
  schema.field("labels", &Options::labels).doc("classes of the label volumes");
  schema.field("blocks", &Options::blocks).doc("how slices go to train, validation and test");
  schema.field("min_foreground", &Options::min_foreground)
      .doc("slices, or blocks, with fewer labelled pixels, on the stored grid, are not used")
      .unit("pixels")
      .at_least(std::int64_t{0});
  schema.field("prepare", &Options::prepare)
      .doc(
          "applied to each slice or block; \"minmax\" and \"percentile\" are of the slice or "
          "block");
  schema.field("cache_mb", &Options::cache_mb)
      .doc("decoded volumes kept in memory")
      .unit("MiB")
      .at_least(std::int64_t{0});
  schema.rule([](const Options& options) {
    if (options.volumes.empty()) return std::string("needs volumes = [{ image = \"...\" }]");
    const bool labelled = std::any_of(options.volumes.begin(), options.volumes.end(),
                                      [](const Volume& volume) { return !volume.label.empty(); });
    if (labelled && !options.labels.given())
      return std::string("label volumes need labels.table or labels.groups");
    if (options.min_foreground > 0 && !labelled)
      return std::string("min_foreground needs label volumes");
    return std::string();
  });
}

std::vector<std::optional<Split>> split_by_blocks(std::int64_t count, const Blocks& blocks) {
  const auto at = [&](std::int64_t slice) {
    const auto block = static_cast<std::size_t>(slice / blocks.length);
    return blocks.pattern[block % blocks.pattern.size()];
  };
  std::vector<std::optional<Split>> out;
  for (std::int64_t slice = 0; slice < count; ++slice) {
    const auto& mine = at(slice);
    const auto from = std::max<std::int64_t>(0, slice - blocks.gap);
    const auto to = std::min(count - 1, slice + blocks.gap);
    bool alone = true;
    for (auto near = from; near <= to; ++near) alone = alone && at(near) == mine;
    out.push_back(alone ? split_of(mine) : std::nullopt);
  }
  return out;
}

VolumeSlices::VolumeSlices(const Options& options)
    : options_(options), cache_(options.cache_mb << 20) {
  // Classes that the options name in full are known before a file is touched.
  if (options_.labels.table.empty()) table_ = datasets::LabelTable(options_.labels, options_.root);
}

datasets::Image VolumeSlices::oriented(datasets::Image image,
                                       const std::filesystem::path& path) const {
  if (image.dimensions() != 3)
    throw DataError(path.string() + ": is 2D, not a volume; use image_folder for pictures");
  return is_patient_axis(options_.axis) ? datasets::to_patient_axes(image, path) : image;
}

at::Tensor VolumeSlices::image_of(const Place& place) const {
  return cache_.get(place.image.string(), [&] {
    return oriented(datasets::read_image(place.image), place.image).pixels;
  });
}

at::Tensor VolumeSlices::label_of(const Place& place) const {
  return cache_.get(place.label.string(), [&] {
    auto mask = oriented(datasets::read_mask(place.label), place.label);
    return table_.classes_of(mask.pixels, place.label);
  });
}

VolumeSlices::Place VolumeSlices::open_volume(std::size_t volume) const {
  const auto& given = options_.volumes[volume];
  const std::filesystem::path root(options_.root);
  Place place;
  place.image = root / given.image;
  if (!given.label.empty()) place.label = root / given.label;
  place.name = given.name.empty() ? datasets::image_stem(place.image) : given.name;
  const auto stored = datasets::read_image(place.image);
  const auto image = oriented(stored, place.image);
  cache_.get(place.image.string(), [&] { return image.pixels; });
  if (!place.label.empty()) {
    const auto mask = datasets::read_mask(place.label);
    datasets::check_mask_fits(mask, place.label, stored, place.image);
    cache_.get(place.label.string(),
               [&] { return table_.classes_of(oriented(mask, place.label).pixels, place.label); });
  }
  place.count = image.pixels.size(axis_number(options_.axis) + 1);
  place.info = image.info;
  place.geometry = image.geometry;
  return place;
}

std::vector<VolumeSlices::Slice> VolumeSlices::slices_in(std::size_t volume) const {
  const auto count = places_[volume].count;
  const auto whole = split_of(options_.volumes[volume].split);
  const bool blocks = options_.dimensions == 3;
  if (whole && blocks) return {{volume, 0, count, *whole}};
  const auto split = whole
                         ? std::vector<std::optional<Split>>(static_cast<std::size_t>(count), whole)
                         : split_by_blocks(count, options_.blocks);
  std::vector<Slice> slices;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto part = split[static_cast<std::size_t>(i)];
    if (!part) continue;
    const bool goes_on = blocks && !slices.empty() && i % options_.blocks.length != 0 &&
                         slices.back().position + slices.back().length == i;
    if (goes_on)
      ++slices.back().length;
    else
      slices.push_back({volume, i, 1, *part});
  }
  return slices;
}

void VolumeSlices::add_slices(std::size_t volume) {
  const auto& place = places_[volume];
  at::Tensor foreground;  // labelled voxels a slice
  if (options_.min_foreground > 0 && !place.label.empty()) {
    const auto across = label_of(place).movedim(axis_number(options_.axis) + 1, 0).flatten(1);
    foreground = (across > 0).sum(1);
  }
  for (const auto& slice : slices_in(volume)) {
    const bool enough =
        !foreground.defined() ||
        foreground.narrow(0, slice.position, slice.length).sum().item<std::int64_t>() >=
            options_.min_foreground;
    if (enough) slices_.push_back(slice);
  }
}

void VolumeSlices::open() {
  places_.clear();
  slices_.clear();
  table_ = datasets::LabelTable(options_.labels, options_.root);
  std::set<std::string> names;
  for (std::size_t i = 0; i < options_.volumes.size(); ++i) {
    places_.push_back(open_volume(i));
    if (!names.insert(places_[i].name).second)
      throw DataError(places_[i].image.string() + ": a second volume is called '" +
                      places_[i].name + "'; give each a name of its own");
    add_slices(i);
  }
  if (indices(Split::train).empty())
    throw DataError(places_[0].image.string() +
                    ": no slice is left to train on; look at "
                    "blocks.pattern, blocks.gap and min_foreground");
}

at::Tensor VolumeSlices::cut(const at::Tensor& volume, const Slice& slice) const {
  const auto axis = axis_number(options_.axis) + 1;
  if (options_.dimensions == 3) return volume.narrow(axis, slice.position, slice.length);
  const auto picture = volume.select(axis, slice.position);
  // Coronal and sagittal rows run along S; pictures have the head up.
  const bool upright = options_.axis == "coronal" || options_.axis == "sagittal";
  return upright ? picture.flip(1) : picture;
}

Geometry VolumeSlices::geometry_of(const Slice& slice) const {
  const auto& volume = places_[slice.volume].geometry;
  const auto axis = axis_number(options_.axis);
  if (options_.dimensions == 3) {
    std::vector<double> offset(3, 0);
    offset[static_cast<std::size_t>(axis)] = static_cast<double>(slice.position);
    return datasets::regridded(volume, {1, 1, 1}, offset);
  }
  if (volume.spacing_mm.empty()) return {};
  auto picture = datasets::unit_geometry(2);
  picture.spacing_mm = volume.spacing_mm;
  picture.spacing_mm.erase(picture.spacing_mm.begin() + axis);
  return picture;
}

Sample VolumeSlices::get(std::int64_t index) const {
  const auto& slice = slices_.at(static_cast<std::size_t>(index));
  const auto& place = places_[slice.volume];
  const datasets::Image image{cut(image_of(place), slice), geometry_of(slice), place.info};
  std::optional<at::Tensor> label;
  if (!place.label.empty()) label = cut(label_of(place), slice);
  auto prepared = datasets::prepare(options_.prepare, image, label, options_.channels, place.image);
  return {prepared.image, prepared.label, prepared.geometry, id(index), patient(index)};
}

std::string VolumeSlices::id(std::int64_t index) const {
  const auto& slice = slices_.at(static_cast<std::size_t>(index));
  auto number = std::to_string(slice.position);
  if (number.size() < 4) number.insert(0, 4 - number.size(), '0');
  return places_[slice.volume].name + "_" + number;
}

std::string VolumeSlices::patient(std::int64_t index) const {
  return options_.volumes[slices_.at(static_cast<std::size_t>(index)).volume].patient;
}

std::vector<std::int64_t> VolumeSlices::indices(Split split) const {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < slices_.size(); ++i)
    if (slices_[i].split == split) out.push_back(static_cast<std::int64_t>(i));
  return out;
}

Sample VolumeSlices::read(const std::filesystem::path& file) const {
  const auto stored = datasets::read_image(file);
  const auto image =
      options_.dimensions == 3 ? oriented(stored, file) : datasets::as_dimensions(stored, 2, file);
  auto prepared = datasets::prepare(options_.prepare, image, std::nullopt, options_.channels, file);
  return {prepared.image, std::nullopt, prepared.geometry, datasets::image_stem(file), ""};
}

std::string VolumeSlices::fingerprint() const {
  std::vector<std::filesystem::path> files;
  for (const auto& place : places_) {
    files.push_back(place.image);
    if (!place.label.empty()) files.push_back(place.label);
  }
  if (!options_.labels.table.empty())
    files.push_back(std::filesystem::path(options_.root) / options_.labels.table);
  return datasets::fingerprint_of(schema_of<Options>().dump(options_), options_.root, files, {});
}

}  // namespace covector::volume_slices
