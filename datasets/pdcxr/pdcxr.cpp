#include "pdcxr.h"

#include "covector/core/error.h"
#include "covector/datasets/file_search.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace covector::pdcxr {
namespace {

namespace fs = std::filesystem;

// The folders, and the two classes.
const std::vector<std::string> kConditions{"NORMAL", "PNEUMONIA"};

bool holds_set(const fs::path& folder) {
  for (const auto* part : {"train", "test"})
    for (const auto& condition : kConditions)
      if (!fs::is_directory(folder / part / condition)) return false;
  return true;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::int64_t number_of(const std::vector<datasets::Case>& cases, const std::string& folder) {
  return std::count_if(cases.begin(), cases.end(),
                       [&](const auto& item) { return item.stem.starts_with(folder + "/"); });
}

}  // namespace

std::optional<Name> parse_name(const std::string& name) {
  static const std::regex kMendeley("(NORMAL|BACTERIA|VIRUS)-([0-9]+)-[0-9]+.*", std::regex::icase);
  static const std::regex kPneumonia("person([0-9]+)_(bacteria|virus)_[0-9]+.*", std::regex::icase);
  static const std::regex kNormal("((?:NORMAL2-)?IM)-([0-9]+)-[0-9]+.*", std::regex::icase);
  std::smatch match;
  if (std::regex_match(name, match, kMendeley))
    return Name{upper(match[1]), upper(match[1]) + " " + match[2].str()};
  if (std::regex_match(name, match, kPneumonia))
    return Name{upper(match[2]), upper(match[2]) + " " + match[1].str()};
  if (std::regex_match(name, match, kNormal))
    return Name{"NORMAL", upper(match[1]) + " " + match[2].str()};
  return std::nullopt;
}

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "PDCXR: 5,856 chest radiographs of children from one to five years, with pneumonia or "
          "without. root holds train and test, each with NORMAL and PNEUMONIA, here or up to two "
          "folders below: CellData/chest_xray of Mendeley's version 3 (ZhangLabData.zip), or "
          "chest_xray of version 2 and Kaggle, whose val is taken as a part of train: it has 16 "
          "images. JPEGs of one channel and of three are mixed; of the latter prepare.colour is "
          "kept. The test folder is the test part, and 1,573 of the other 5,232 images validate, "
          "as many of each class as in the paper, whole patients; split.by = \"folders\" takes the "
          "folders as they are. prepare.size is [512, 512].")
      .source(
          "D. Kermany et al., Identifying Medical Diagnoses and Treatable Diseases by Image-Based "
          "Deep Learning, Cell 2018; data.mendeley.com, rscbjbr9sj, CC BY 4.0")
      .departure(
          "Patients. They are known by the names of files alone: a number, counted anew for each "
          "kind of name. person101_virus_187 to train and person101_bacteria_484 to test are two "
          "patients here; a child that had both would "
          "be missed. In version 3 BACTERIA-1008087 is one patient.")
      .departure(
          "Which images validate is not published; they are drawn at the paper's counts. Of three "
          "classes, which the paper does not use, bacteria and viruses have the same shares.");
  datasets::describe_root(schema);
  schema.field("classes", &Options::classes)
      .doc(
          "\"two\": NORMAL, PNEUMONIA, by folder; \"three\": NORMAL, BACTERIA, VIRUS, by the names "
          "of files")
      .one_of({"two", "three"});
  datasets::describe_files(schema);
}

Pdcxr::Pdcxr(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)), options_(options) {}

std::vector<std::string> Pdcxr::image_classes() const {
  return options_.classes == "two" ? kConditions
                                   : std::vector<std::string>{"NORMAL", "BACTERIA", "VIRUS"};
}

// Appendix C.1: 3,659 (2,714 + 945), 1,573 (1,169 + 404), 624 (390 + 234).
datasets::SplitCounts Pdcxr::paper_counts() const {
  const std::array<std::int64_t, 3> normal{945, 404, 234};
  const std::array<std::int64_t, 3> pneumonia{2714, 1169, 390};
  if (options_.classes == "two") return {normal, pneumonia};
  return {normal, pneumonia, pneumonia};  // its bacteria and viruses in the same shares
}

void Pdcxr::add_folder(const fs::path& set, const std::string& part, const std::string& condition,
                       datasets::Listing& listing) const {
  const auto names = image_classes();
  for (const auto& image : datasets::find_images(set / part / condition, 2)) {
    const auto name = parse_name(image.path.stem().string());
    if (!name || (name->kind == "NORMAL") != (condition == "NORMAL")) {
      listing.problems.push_back(
          image.path.string() +
          (name ? ": lies in " + condition + ", but its name says " + name->kind
                : ": no name of this set, so its patient is not known (NORMAL-1049278-0001, "
                  "IM-0115-0001, person1000_bacteria_2981)") +
          "; rename it, or take it out");
      continue;
    }
    datasets::Case item{part + "/" + condition + "/" + image.stem, image.path};
    item.patient = name->patient;
    const auto& image_class = options_.classes == "two" ? condition : name->kind;
    item.image_class = std::find(names.begin(), names.end(), image_class) - names.begin();
    // Of the folders the paper keeps the test part alone.
    if (part == "test")
      item.split = Split::test;
    else if (options_.split.by == "folders")
      item.split = part == "train" ? Split::train : Split::validation;
    listing.cases.push_back(std::move(item));
  }
}

datasets::Listing Pdcxr::list() {
  const auto set = datasets::find_set(
      options_.root, holds_set,
      "train and test, each with NORMAL and PNEUMONIA (CellData/chest_xray of Mendeley's version "
      "3, chest_xray of version 2 and Kaggle)");
  datasets::Listing listing;
  for (const auto* part : {"train", "val", "test"})
    for (const auto& condition : kConditions)
      if (fs::is_directory(set / part / condition)) add_folder(set, part, condition, listing);
  listing.layout = fs::is_directory(set / "val") ? "Kaggle, with val" : "Mendeley, without val";
  for (const auto& condition : kConditions) {
    const auto found = number_of(listing.cases, "train/" + condition) +
                       number_of(listing.cases, "val/" + condition);
    listing.counts.push_back(
        {condition + " in train and val", condition == "NORMAL" ? 1349 : 3883, found});
    listing.counts.push_back({condition + " in test", condition == "NORMAL" ? 234 : 390,
                              number_of(listing.cases, "test/" + condition)});
  }
  return listing;
}

datasets::Image Pdcxr::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 2, file);
}

datasets::Stored Pdcxr::load(const datasets::Case& item) const {
  return {load_image(item.image)};
}

}  // namespace covector::pdcxr
