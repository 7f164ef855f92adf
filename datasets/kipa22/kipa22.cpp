#include "kipa22.h"

#include "covector/core/error.h"
#include "covector/datasets/file_search.h"

#include <torch/types.h>

namespace covector::kipa22 {
namespace {

namespace fs = std::filesystem;
using datasets::Image;

constexpr std::int64_t kOffset = 1024;

const std::vector<datasets::LabelGroup> kClasses{
    {"vein", {1}, {}}, {"kidney", {2}, {}}, {"artery", {3}, {}}, {"tumour", {4}, {}}};

bool has_pairs(const fs::path& folder) {
  return fs::is_directory(folder / "image") && fs::is_directory(folder / "label");
}

std::map<std::string, fs::path> by_name(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  for (const auto& found : datasets::find_images(folder, 3)) files[found.stem] = found.path;
  return files;
}

// The volumes show soft tissue, of -100 to 300 HU: their middle value tells whether 1024 was added.
double middle_of(const Image& image) {
  return image.pixels.to(torch::kFloat).median().item<double>();
}
bool is_offset(double middle) {
  return middle > static_cast<double>(kOffset) / 2;
}

// "0_0012"
std::string slice_name(const std::string& volume, std::int64_t slice) {
  auto number = std::to_string(slice);
  if (number.size() < 4) number.insert(0, 4 - number.size(), '0');
  return volume + "_" + number;
}

}  // namespace

Options::Options() {
  prepare.intensity = "window";
  prepare.window = {-200, 500};
}

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "KiPA22: vein, kidney, artery and tumour in kidney CT, as volumes or as slices. Its own "
          "preparation: intensity = \"window\", window = [-200, 500] in Hounsfield units. Reads "
          "train/image/0.nii.gz ... 69.nii.gz and train/label alike. The challenge keeps the "
          "labels "
          "of its 60 test volumes, so the paper's 70, 30 and 30 volumes cannot be had: parts of "
          "these "
          "proportions are drawn from the 70 public ones.")
      .source(
          "Y. He et al., Meta grayscale adaptive network for 3D integrated renal structures "
          "segmentation, Medical Image Analysis 2021; kipa22.grand-challenge.org, CC BY-NC, after "
          "registration")
      .reconstruction(
          "The paper clips before it stretches to [0, 1] and does not say where; -200 to 500 HU "
          "holds "
          "fat, kidneys and vessels with contrast medium.");
  datasets::describe_root(schema);
  schema.field("dimensions", &Options::dimensions)
      .doc("3: volumes; 2: their slices, those of a volume in one part")
      .between(std::int64_t{2}, std::int64_t{3});
  schema.field("values", &Options::values)
      .doc(
          "what the files hold: \"hu\", Hounsfield units; \"hu_plus_1024\"; \"auto\": found from "
          "the "
          "histogram of each volume, HU + 1024 where half of the voxels are above 512")
      .one_of({"auto", "hu", "hu_plus_1024"});
  schema.field("cache_mb", &Options::cache_mb)
      .doc("decoded volumes kept in memory where slices are served")
      .unit("MiB")
      .at_least(std::int64_t{0});
  datasets::describe_files(schema);
}

Kipa22::Kipa22(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)),
      options_(options),
      table_(kClasses),
      cache_(options.cache_mb << 20) {}

datasets::SplitCounts Kipa22::paper_counts() const {
  if (options_.dimensions == 2) return {{13846, 5864, 5959}};
  return {{70, 30, 30}};
}

datasets::Listing Kipa22::list() {
  auto folder = datasets::find_set(
      options_.root,
      [](const fs::path& path) { return has_pairs(path / "train") || has_pairs(path); },
      "train/image/0.nii.gz and train/label/0.nii.gz, which train.zip holds");
  if (!has_pairs(folder)) folder /= "train";
  headers_.clear();
  datasets::Listing listing;
  listing.layout = "train.zip of the challenge, in " + folder.string();
  const auto images = datasets::find_images(folder / "image", 3);
  auto masks = by_name(folder / "label");
  std::int64_t volumes = 0;
  for (const auto& image : images) {
    const auto mask = masks.extract(image.stem);
    if (mask.empty()) {
      listing.problems.push_back(image.path.string() + ": has no label " + image.stem +
                                 ".nii.gz in " + (folder / "label").string() +
                                 "; add it, or take the image out");
      continue;
    }
    add_volume(image.stem, image.path, mask.mapped(), listing);
    ++volumes;
  }
  for (const auto& [name, path] : masks)
    listing.problems.push_back(path.string() + ": has no image " + name + ".nii.gz in " +
                               (folder / "image").string() + "; add it, or take the label out");
  listing.counts = {{"labelled volumes", 70, volumes}};
  add_notes(listing);
  return listing;
}

void Kipa22::add_volume(const std::string& name, const fs::path& image, const fs::path& mask,
                        datasets::Listing& listing) {
  datasets::Case volume{name, image, {mask}};
  volume.patient = name;
  if (options_.dimensions == 3) {
    listing.cases.push_back(std::move(volume));
    return;
  }
  try {
    const auto& header = headers_[image.string()] = datasets::read_header(image);
    for (std::int64_t slice = 0; slice < header.pixels.size(1); ++slice) {
      volume.stem = slice_name(name, slice);
      volume.slice = slice;
      listing.cases.push_back(volume);
    }
  } catch (const DataError& error) {
    listing.problems.emplace_back(error.what());
  }
}

void Kipa22::add_notes(datasets::Listing& listing) const {
  const auto& by = options_.split.by;
  if (by == "auto" || by == "paper")
    listing.notes.push_back(
        options_.root +
        ": the challenge keeps the labels of its test volumes, so the paper's parts are drawn from "
        "the labelled ones, in its proportions of 70, 30 and 30 volumes");
  if (options_.values != "auto") return;
  for (const auto& item : listing.cases) {
    try {
      const auto middle = middle_of(datasets::read_image(item.image));
      listing.notes.push_back(
          item.image.string() + ": half of its voxels are above " +
          std::to_string(std::llround(middle)) +
          (is_offset(middle) ? ", so it holds HU + 1024, and 1024 is taken off; each volume is "
                               "looked at so (values = \"auto\")"
                             : ", so it holds Hounsfield units; each volume is looked at so "
                               "(values = \"auto\")"));
      return;
    } catch (const DataError&) {
      continue;  // told where it is loaded; the next one tells of the values as well
    }
  }
}

Image Kipa22::hounsfield(Image image) const {
  const bool offset = options_.values == "hu_plus_1024" ||
                      (options_.values == "auto" && is_offset(middle_of(image)));
  if (!offset) return image;
  const bool whole = !at::isFloatingType(image.pixels.scalar_type());
  image.pixels = image.pixels.to(whole ? torch::kInt32 : torch::kFloat) - kOffset;
  return image;
}

Image Kipa22::load_image(const fs::path& file) const {
  return hounsfield(datasets::as_dimensions(datasets::read_image(file), options_.dimensions, file));
}

datasets::Stored Kipa22::load(const datasets::Case& item) const {
  const auto& mask = item.masks.at(0);
  if (item.slice < 0) {
    auto image = load_image(item.image);
    auto label = table_.read(mask, image, item.image);
    return {std::move(image), std::move(label)};
  }
  auto slice = headers_.at(item.image.string());
  const auto volume = cache_.get(item.image.string(), [&item, this] {
    return hounsfield(datasets::read_image(item.image)).pixels;
  });
  const auto label =
      cache_.get(mask.string(), [&] { return table_.read(mask, slice, item.image); });
  slice.pixels = volume.slice(1, item.slice, item.slice + 1);
  return {datasets::as_dimensions(std::move(slice), 2, item.image), label.select(1, item.slice)};
}

}  // namespace covector::kipa22
