#include "image_folder.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/fingerprint.h"

#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>

namespace covector::image_folder {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string stem_under(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return (relative.parent_path() / datasets::image_stem(relative)).generic_string();
}

// Without the empty last part that root / "" has.
fs::path below(const fs::path& root, const std::string& folder) {
  return folder.empty() ? root : root / folder;
}

void check_folder(const fs::path& folder) {
  if (fs::is_directory(folder)) return;
  const auto hint =
      folder.is_relative() ? " (looked for in " + fs::current_path().string() + ")" : std::string();
  throw DataError(folder.string() + ": is no folder" + hint + "; check root, images and masks");
}

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
  check_folder(folder);
  MaskIndex index;
  for (const auto& found : find_images(folder, dimensions))
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
  schema.field("root", &Options::root).doc("folder of the set");
  schema.field("images", &Options::images)
      .doc("sub-folder of root that holds the images, at any depth; empty: root itself");
  schema.field("masks", &Options::masks)
      .doc(
          "sub-folder of root that holds the masks, under the names of their images (the extension "
          "may differ; CASE_0000 also fits CASE); empty: no masks");
  schema.field("dimensions", &Options::dimensions)
      .doc("2 for pictures, 3 for volumes; a volume of one slice counts as a picture")
      .between(std::int64_t{2}, std::int64_t{3});
  schema.field("channels", &Options::channels)
      .doc("channels of an image as the network sees it")
      .at_least(std::int64_t{1});
  schema.field("labels", &Options::labels).doc("classes of the masks");
  schema.field("classes", &Options::classes).doc("classes of whole images");
  schema.field("split", &Options::split).doc("which images train, validate and test");
  schema.field("patient_pattern", &Options::patient_pattern)
      .doc(
          "regular expression found in an image's path below the image folder; its first group, or "
          "the whole match, names the patient");
  schema.field("patient_table", &Options::patient_table)
      .doc("CSV file with the columns id (path or name of the image) and patient");
  schema.field("prepare", &Options::prepare).doc("how a file becomes an image");
  schema.field("on_error", &Options::on_error)
      .doc(
          "\"stop\" at a file that cannot be used, or \"skip\" it: every file is then read once "
          "when "
          "the set is opened, and the report lists what was left out")
      .one_of({"stop", "skip"});
  schema.rule([](const Options& options) {
    if (options.root.empty()) return std::string("needs root = \"...\", the folder of the set");
    if (!options.masks.empty() && !options.labels.given())
      return std::string("masks need labels.table or labels.groups, which name the classes");
    const auto sources = int{!options.patient_pattern.empty()} +
                         int{!options.patient_table.empty()} +
                         int{!options.classes.patient_column.empty()};
    if (sources > 1)
      return std::string(
          "give one of patient_pattern, patient_table and classes.patient_column, which all name "
          "patients");
    try {
      const std::regex pattern(options.patient_pattern);
    } catch (const std::regex_error& error) {
      return "patient_pattern is no regular expression: " + std::string(error.what());
    }
    return std::string();
  });
}

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto number = [](const std::string& text, std::size_t& at) {
        while (at < text.size() && text[at] == '0') ++at;
        const auto start = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return text.substr(start, at - start);
      };
      const auto x = number(a, i);
      const auto y = number(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // "01" and "1"
}

std::vector<Found> find_images(const fs::path& folder, std::int64_t dimensions) {
  std::map<fs::path, std::vector<fs::path>> slices;  // .dcm files by folder
  std::vector<Found> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto& path = entry.path();
    if (!entry.is_regular_file() || path.filename().string().starts_with(".")) continue;
    if (!datasets::has_image_name(path)) continue;
    if (dimensions == 3 && path.extension() == ".dcm")
      slices[path.parent_path()].push_back(path);
    else
      found.push_back({path, stem_under(path, folder)});
  }
  for (const auto& [series, files] : slices) {
    const auto path = files.size() == 1 ? files[0] : series;
    found.push_back({path, stem_under(path, folder)});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    if (a.stem != b.stem) return natural_less(a.stem, b.stem);
    return a.path < b.path;
  });
  return found;
}

ImageFolder::ImageFolder(const Options& options) : options_(options) {
  // Classes that the options name in full are known before a file is touched.
  if (options_.labels.table.empty()) table_ = datasets::LabelTable(options_.labels, options_.root);
}

void ImageFolder::add_items(const fs::path& images, const fs::path& masks,
                            std::optional<Split> split) {
  check_folder(images);
  const auto index = options_.masks.empty() ? MaskIndex{} : masks_under(masks, options_.dimensions);
  const auto before = items_.size();
  for (const auto& found : find_images(images, options_.dimensions)) {
    Item item{{}, found.stem, {}, found.path, {}, split, {}};
    if (split) item.stem = std::string(to_string(*split)) + "/" + item.stem;
    item.id = item.stem;
    std::replace(item.id.begin(), item.id.end(), '/', '_');
    if (!options_.masks.empty()) {
      const auto* mask = mask_of(found.stem, index);
      if (!mask) {
        const auto reason =
            found.path.string() + ": has no mask " + found.stem + ".* in " + masks.string();
        if (options_.on_error == "stop")
          throw DataError(reason + "; add it, or take the image out");
        skipped_.push_back(reason);
        continue;
      }
      item.mask = *mask;
    }
    items_.push_back(std::move(item));
  }
  if (items_.size() == before)
    throw DataError(
        images.string() +
        ": holds no image that can be used (.nii .nii.gz .mha .mhd .nrrd .nhdr .png .jpg "
        ".tif .dcm); check root and images");
}

void ImageFolder::find_items() {
  const fs::path root(options_.root);
  if (options_.split.by != "folders") {
    add_items(below(root, options_.images), below(root, options_.masks), std::nullopt);
    return;
  }
  check_folder(root);
  for (const auto& [split, words] : split_words()) {
    const auto images = split_folder(root, options_.images, words);
    if (!images) continue;
    const auto masks = split_folder(root, options_.masks, words);
    if (!options_.masks.empty() && !masks)
      throw DataError(root.string() + ": has images but no masks for " +
                      std::string(to_string(split)) + "; expected " +
                      (root / words[0] / options_.masks).string() + " or " +
                      (root / options_.masks / words[0]).string());
    add_items(*images, masks.value_or(fs::path()), split);
  }
}

void ImageFolder::check_ids() const {
  std::map<std::string, const Item*> seen;
  for (const auto& item : items_)
    if (const auto [other, is_new] = seen.emplace(item.id, &item); !is_new)
      throw DataError(item.image.string() + ": has the same id '" + item.id + "' as " +
                      other->second->image.string() + "; rename one of them");
}

void ImageFolder::find_classes() {
  if (!options_.classes.given()) return;
  std::vector<datasets::ClassedImage> images;
  for (const auto& item : items_) images.push_back({item.stem, item.image});
  const datasets::ClassTable table(options_.classes, options_.root, std::move(images));
  std::vector<Item> usable;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    auto item = items_[i];
    try {
      item.image_class = table.class_of(i);
    } catch (const DataError& error) {
      if (options_.on_error == "stop") throw;
      skipped_.push_back(error.what());
      continue;
    }
    item.patient = table.patient_of(i);
    usable.push_back(std::move(item));
  }
  items_ = std::move(usable);
}

void ImageFolder::find_patients() {
  if (!options_.patient_pattern.empty()) {
    const std::regex pattern(options_.patient_pattern);
    for (auto& item : items_) {
      std::smatch match;
      if (!std::regex_search(item.stem, match, pattern))
        throw DataError(item.image.string() + ": patient_pattern '" + options_.patient_pattern +
                        "' does not match '" + item.stem + "'");
      item.patient = match.size() > 1 ? match[1].str() : match[0].str();
    }
  }
  if (options_.patient_table.empty()) return;
  const auto path = fs::path(options_.root) / options_.patient_table;
  const datasets::CsvTable table(path);
  const auto id = table.column("id");
  const auto patient = table.column("patient");
  std::map<std::string, std::string> patients;
  for (const auto& row : table.rows())
    patients[datasets::image_stem(row.cells[id])] = row.cells[patient];
  for (auto& item : items_) {
    const auto hit = patients.find(datasets::image_stem(item.image));
    if (hit == patients.end())
      throw DataError(path.string() + ": has no row for " + item.image.string() +
                      "; every image needs a patient");
    item.patient = hit->second;
  }
}

void ImageFolder::assign_splits() {
  const auto& options = options_.split;
  if (options.by == "folders") return;
  const fs::path root(options_.root);
  std::vector<std::optional<Split>> parts;
  if (options.by == "fractions") {
    std::vector<std::string> patients;
    std::vector<std::int64_t> classes;
    for (const auto& item : items_) {
      patients.push_back(item.patient);
      if (item.image_class) classes.push_back(*item.image_class);
    }
    parts = datasets::draw_split(patients, options.fractions, options.seed, classes);
  } else {
    std::vector<datasets::SplitEntry> entries;
    if (options.by == "file") {
      entries = datasets::read_split_file(root / options.file, options.fold);
    } else {
      const std::pair<const std::string&, Split> lists[] = {{options.train, Split::train},
                                                            {options.validation, Split::validation},
                                                            {options.test, Split::test}};
      for (const auto& [file, split] : lists) {
        if (file.empty()) continue;
        const auto more = datasets::read_split_list(root / file, split);
        entries.insert(entries.end(), more.begin(), more.end());
      }
    }
    std::vector<std::string> stems;
    for (const auto& item : items_) stems.push_back(item.stem);
    parts = datasets::match_split(entries, stems);
  }
  for (std::size_t i = 0; i < items_.size(); ++i) items_[i].split = parts[i];
  for (std::size_t part = 0; part < 3 && options.by == "fractions"; ++part) {
    const auto split = split_words()[part].first;
    if (options.fractions[part] > 0 && indices(split).empty())
      throw DataError(options_.root + ": the " + std::string(to_string(split)) +
                      " split is empty: " + std::to_string(items_.size()) +
                      " images are too few for its share; change split.fractions");
  }
}

void ImageFolder::check_classes() const {
  std::vector<bool> seen(options_.classes.names.size());
  for (const auto index : indices(Split::train))
    if (const auto number = item(index).image_class) seen[static_cast<std::size_t>(*number)] = true;
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!seen[i])
      throw DataError(options_.root + ": the train split has no image of class '" +
                      options_.classes.names[i] + "'; look at classes.names and split");
}

void ImageFolder::drop_unreadable() {
  std::vector<Item> usable;
  for (const auto& item : items_) {
    try {
      load(item);
      usable.push_back(item);
    } catch (const DataError& error) {
      skipped_.push_back(error.what());
    }
  }
  items_ = std::move(usable);
}

void ImageFolder::open() {
  items_.clear();
  skipped_.clear();
  table_ = datasets::LabelTable(options_.labels, options_.root);
  find_items();
  check_ids();
  find_classes();
  if (options_.on_error == "skip") drop_unreadable();
  find_patients();
  assign_splits();
  if (indices(Split::train).empty())
    throw DataError(options_.root + ": the train split is empty; look at split (by = \"" +
                    options_.split.by + "\")");
  check_classes();
}

Sample ImageFolder::load(const Item& item) const {
  const auto image =
      datasets::as_dimensions(datasets::read_image(item.image), options_.dimensions, item.image);
  std::optional<at::Tensor> label;
  if (!item.mask.empty()) {
    const auto mask =
        datasets::as_dimensions(datasets::read_mask(item.mask), options_.dimensions, item.mask);
    datasets::check_mask_fits(mask, item.mask, image, item.image);
    label = table_.classes_of(mask.pixels, item.mask);
  }
  auto prepared = datasets::prepare(options_.prepare, image, label, options_.channels, item.image);
  return {prepared.image, prepared.label, prepared.geometry,
          item.id,        item.patient,   item.image_class};
}

Sample ImageFolder::get(std::int64_t index) const {
  return load(item(index));
}

Sample ImageFolder::read(const fs::path& file) const {
  return load({datasets::image_stem(file), {}, {}, file, {}, {}, {}});
}

std::vector<std::int64_t> ImageFolder::indices(Split split) const {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < items_.size(); ++i)
    if (items_[i].split == split) out.push_back(static_cast<std::int64_t>(i));
  return out;
}

std::string ImageFolder::fingerprint() const {
  std::vector<fs::path> files;
  std::vector<std::string> splits;
  for (const auto& item : items_) {
    files.push_back(item.image);
    if (!item.mask.empty()) files.push_back(item.mask);
    splits.push_back(item.split ? std::string(to_string(*item.split)) : "none");
  }
  if (!options_.labels.table.empty())
    files.push_back(fs::path(options_.root) / options_.labels.table);
  if (!options_.classes.table.empty())
    files.push_back(fs::path(options_.root) / options_.classes.table);
  return datasets::fingerprint_of(schema_of<Options>().dump(options_), options_.root, files,
                                  splits);
}

}  // namespace covector::image_folder
