#include "image_folder.h"

#include "bids.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/file_search.h"

#include <torch/types.h>

#include <map>
#include <regex>

namespace covector::image_folder {
namespace {

namespace fs = std::filesystem;

// Without the empty last part that root / "" has.
fs::path below(const fs::path& root, const std::string& folder) {
  return folder.empty() ? root : root / folder;
}

constexpr auto kCheck = "check root, images and masks";

// root/train/images, or root/images/train; `names` are the words for one split.
std::optional<fs::path> split_folder(const fs::path& root, const std::string& kind,
                                     const std::vector<std::string>& names) {
  for (const auto& name : names)
    for (const auto& folder : {below(root / name, kind), below(root, kind) / name})
      if (fs::is_directory(folder)) return folder;
  return std::nullopt;
}

const std::vector<std::pair<Split, std::vector<std::string>>>& split_words() {
  static const std::vector<std::pair<Split, std::vector<std::string>>> kWords{
      {Split::train, {"train"}},
      {Split::validation, {"validation", "val"}},
      {Split::test, {"test"}}};
  return kWords;
}

using MaskIndex = std::map<std::string, fs::path>;

MaskIndex masks_under(const fs::path& folder, std::int64_t dimensions) {
  datasets::check_folder(folder, kCheck);
  MaskIndex index;
  for (const auto& found : datasets::find_images(folder, dimensions))
    if (const auto [other, is_new] = index.emplace(found.stem, found.path); !is_new)
      throw DataError(found.path.string() + ": " + other->second.string() +
                      " is a mask of the same image; keep one of them");
  return index;
}

// nnU-Net numbers the channels of an image, CASE_0000, but not its label.
const fs::path* mask_of(const std::string& stem, const MaskIndex& masks) {
  auto hit = masks.find(stem);
  if (hit == masks.end() && stem.ends_with("_0000"))
    hit = masks.find(stem.substr(0, stem.size() - 5));
  return hit == masks.end() ? nullptr : &hit->second;
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema.summary("2D or 3D images in a folder, with masks and classes where there are any.");
  datasets::describe_root(schema);
  schema.field("images", &Options::images)
      .doc("sub-folder of root that holds the images, at any depth; empty: root itself");
  schema.field("masks", &Options::masks)
      .doc(
          "sub-folder of root that holds the masks, under the names of their images (the extension "
          "may differ; CASE_0000 also fits CASE); empty: no masks");
  schema.field("layout", &Options::layout)
      .doc(
          "\"plain\": images and masks in folders; \"bids\": "
          "sub-*/[ses-*/]DATATYPE/*_SUFFIX.nii.gz, "
          "where the subject is the patient, and a mask lies beside its image or below derivatives")
      .one_of({"plain", "bids"});
  schema.field("suffix", &Options::suffix)
      .doc("of images in a BIDS folder, such as T1w, T2w, bold");
  schema.field("mask_suffix", &Options::mask_suffix)
      .doc("of masks in a BIDS folder, such as dseg; empty: no masks");
  schema.field("dimensions", &Options::dimensions)
      .doc("2 for pictures, 3 for volumes; a volume of one slice counts as a picture")
      .between(std::int64_t{2}, std::int64_t{3});
  schema.field("channels", &Options::channels)
      .doc("channels of an image as the network sees it")
      .at_least(std::int64_t{1});
  schema.field("labels", &Options::labels).doc("classes of the masks");
  schema.field("classes", &Options::classes).doc("classes of whole images");
  schema.field("patient_pattern", &Options::patient_pattern)
      .doc(
          "regular expression found in an image's path below the image folder; its first group, or "
          "the whole match, names the patient");
  schema.field("patient_table", &Options::patient_table)
      .doc("CSV file with the columns id (path or name of the image) and patient");
  datasets::describe_files(schema);
  schema.rule([](const Options& options) {
    if (!(options.masks + options.mask_suffix).empty() && !options.labels.given())
      return std::string("masks need labels.table or labels.groups, which name the classes");
    const bool bids = options.layout == "bids";
    if (bids &&
        (!options.images.empty() || !options.masks.empty() || options.split.by == "folders"))
      return std::string(
          "layout = \"bids\" finds images and masks by suffix and mask_suffix; leave out images, "
          "masks and split.by = \"folders\"");
    if (!bids && !options.mask_suffix.empty())
      return std::string("mask_suffix belongs to layout = \"bids\"; set masks here");
    const auto sources = int{bids} + int{!options.patient_pattern.empty()} +
                         int{!options.patient_table.empty()} +
                         int{!options.classes.patient_column.empty()};
    if (sources > 1)
      return std::string(
          "give one of patient_pattern, patient_table and classes.patient_column, which all name "
          "patients, and none with layout = \"bids\", which does so itself");
    try {
      const std::regex pattern(options.patient_pattern);
    } catch (const std::regex_error& error) {
      return "patient_pattern is no regular expression: " + std::string(error.what());
    }
    return std::string();
  });
}

ImageFolder::ImageFolder(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)), options_(options) {
  // Classes that the options name in full are known before a file is touched.
  if (options_.labels.table.empty()) table_ = datasets::LabelTable(options_.labels, options_.root);
}

void ImageFolder::add_cases(const fs::path& images, const fs::path& masks,
                            std::optional<Split> split, datasets::Listing& listing) const {
  datasets::check_folder(images, kCheck);
  const auto index = options_.masks.empty() ? MaskIndex{} : masks_under(masks, options_.dimensions);
  const auto before = listing.cases.size();
  for (const auto& found : datasets::find_images(images, options_.dimensions)) {
    datasets::Case item{found.stem, found.path};
    item.split = split;
    if (split) item.stem = std::string(to_string(*split)) + "/" + item.stem;
    if (!options_.masks.empty()) {
      const auto* mask = mask_of(found.stem, index);
      if (!mask) {
        listing.problems.push_back(found.path.string() + ": has no mask " + found.stem + ".* in " +
                                   masks.string() + "; add it, or take the image out");
        continue;
      }
      item.masks = {*mask};
    }
    listing.cases.push_back(std::move(item));
  }
  if (listing.cases.size() == before && listing.problems.empty())
    throw DataError(
        images.string() +
        ": holds no image that can be used (.nii .nii.gz .mha .mhd .nrrd .nhdr .png .jpg "
        ".tif .dcm); check root and images");
}

void ImageFolder::find_cases(datasets::Listing& listing) const {
  const fs::path root(options_.root);
  if (options_.layout == "bids") {
    add_bids(root, options_.dimensions, options_.suffix, options_.mask_suffix, listing);
    return;
  }
  if (options_.split.by != "folders") {
    add_cases(below(root, options_.images), below(root, options_.masks), std::nullopt, listing);
    return;
  }
  datasets::check_folder(root, kCheck);
  for (const auto& [split, words] : split_words()) {
    const auto images = split_folder(root, options_.images, words);
    if (!images) continue;
    const auto masks = split_folder(root, options_.masks, words);
    if (!options_.masks.empty() && !masks)
      throw DataError(root.string() + ": has images but no masks for " +
                      std::string(to_string(split)) + "; expected " +
                      (root / words[0] / options_.masks).string() + " or " +
                      (root / options_.masks / words[0]).string());
    add_cases(*images, masks.value_or(fs::path()), split, listing);
  }
}

void ImageFolder::find_classes(datasets::Listing& listing) const {
  if (!options_.classes.given()) return;
  std::vector<datasets::ClassedImage> images;
  for (const auto& item : listing.cases) images.push_back({item.stem, item.image});
  const datasets::ClassTable table(options_.classes, options_.root, std::move(images));
  std::vector<datasets::Case> usable;
  for (std::size_t i = 0; i < listing.cases.size(); ++i) {
    auto item = listing.cases[i];
    try {
      item.image_class = table.class_of(i);
    } catch (const DataError& error) {
      listing.problems.emplace_back(error.what());
      continue;
    }
    if (!options_.classes.patient_column.empty()) item.patient = table.patient_of(i);
    usable.push_back(std::move(item));
  }
  listing.cases = std::move(usable);
}

void ImageFolder::match_patients(std::vector<datasets::Case>& cases) const {
  const std::regex pattern(options_.patient_pattern);
  for (auto& item : cases) {
    std::smatch match;
    if (!std::regex_search(item.stem, match, pattern))
      throw DataError(item.image.string() + ": patient_pattern '" + options_.patient_pattern +
                      "' does not match '" + item.stem + "'");
    item.patient = match.size() > 1 ? match[1].str() : match[0].str();
  }
}

void ImageFolder::find_patients(std::vector<datasets::Case>& cases) const {
  if (!options_.patient_pattern.empty()) match_patients(cases);
  if (options_.patient_table.empty()) return;
  const auto path = fs::path(options_.root) / options_.patient_table;
  const datasets::CsvTable table(path);
  const auto id = table.column("id");
  const auto patient = table.column("patient");
  std::map<std::string, std::string> patients;
  for (const auto& row : table.rows())
    patients[datasets::image_stem(row.cells[id])] = row.cells[patient];
  for (auto& item : cases) {
    const auto hit = patients.find(datasets::image_stem(item.image));
    if (hit == patients.end())
      throw DataError(path.string() + ": has no row for " + item.image.string() +
                      "; every image needs a patient");
    item.patient = hit->second;
  }
}

datasets::Listing ImageFolder::list() {
  table_ = datasets::LabelTable(options_.labels, options_.root);
  datasets::Listing listing;
  find_cases(listing);
  find_classes(listing);
  find_patients(listing.cases);
  return listing;
}

datasets::Image ImageFolder::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), options_.dimensions, file);
}

datasets::Stored ImageFolder::load(const datasets::Case& item) const {
  datasets::Stored stored{load_image(item.image)};
  for (const auto& mask : item.masks) stored.label = table_.read(mask, stored.image, item.image);
  return stored;
}

std::vector<fs::path> ImageFolder::tables() const {
  std::vector<fs::path> tables;
  for (const auto& table : {options_.labels.table, options_.classes.table})
    if (!table.empty()) tables.push_back(fs::path(options_.root) / table);
  return tables;
}

}  // namespace covector::image_folder
