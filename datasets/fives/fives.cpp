#include "fives.h"

#include "covector/datasets/file_search.h"

#include <algorithm>
#include <map>
#include <utility>

namespace covector::fives {
namespace {

namespace fs = std::filesystem;

constexpr auto kPhotographs = "Original";
constexpr auto kMasks = "Ground truth";

bool holds_set(const fs::path& folder) {
  return fs::is_directory(folder / "train" / kPhotographs) &&
         fs::is_directory(folder / "test" / kPhotographs);
}

std::int64_t number_of(const std::vector<datasets::Case>& cases, const std::string& start,
                       const std::string& end) {
  return std::count_if(cases.begin(), cases.end(), [&](const auto& item) {
    return item.stem.starts_with(start) && item.stem.ends_with(end);
  });
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "FIVES: vessels on 800 photographs of the retina, 200 each of healthy eyes (N), "
          "age-related macular degeneration (A), diabetic retinopathy (D) and glaucoma (G). root "
          "holds train and test, each with Original and \"Ground truth\", here or up to two "
          "folders below (as \"FIVES A Fundus Image Dataset for AI-based Vessel Segmentation\" "
          "does). The test folder is the test part, and 60 of the other 600 photographs validate; "
          "split.by = \"folders\" has no images to validate. Of the colours prepare.colour is "
          "kept: the green channel, in which vessels show best, or luma. prepare.size is [512, "
          "512].")
      .source(
          "K. Jin et al., FIVES: A Fundus Image Dataset for Artificial Intelligence based Vessel "
          "Segmentation, Scientific Data 2022; figshare")
      .departure(
          "The paper says neither how colours become one channel nor which images validate: green, "
          "and 60 drawn from the seed.");
  datasets::describe_root(schema);
  datasets::describe_files(schema);
}

Fives::Fives(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)),
      by_folders_(options.split.by == "folders"),
      table_(std::vector<datasets::LabelGroup>{{"vessel", {255}, {}}}) {}

void Fives::add_folder(const fs::path& set, const std::string& part,
                       datasets::Listing& listing) const {
  const auto folder = set / part / kMasks;
  datasets::check_folder(folder, "it belongs beside " + (set / part / kPhotographs).string());
  std::map<std::string, fs::path> masks;
  for (const auto& mask : datasets::find_images(folder, 2)) masks[mask.stem] = mask.path;
  for (const auto& photograph : datasets::find_images(set / part / kPhotographs, 2)) {
    datasets::Case item{part + "/" + photograph.stem, photograph.path};
    const auto mask = masks.find(photograph.stem);
    if (mask == masks.end()) {
      listing.problems.push_back(photograph.path.string() + ": has no mask " + photograph.stem +
                                 ".png in " + folder.string() +
                                 "; add it, or take the photograph out");
      continue;
    }
    item.masks = {mask->second};
    if (part == "test")
      item.split = Split::test;
    else if (by_folders_)
      item.split = Split::train;
    listing.cases.push_back(std::move(item));
  }
}

datasets::Listing Fives::list() {
  const auto set = datasets::find_set(files().root, holds_set,
                                      "train and test, each with Original and \"Ground truth\"");
  datasets::Listing listing;
  listing.layout = "train and test, Original and Ground truth";
  for (const auto* part : {"train", "test"}) add_folder(set, part, listing);
  const auto& cases = listing.cases;
  listing.counts = {{"photographs in train", 600, number_of(cases, "train/", "")},
                    {"photographs in test", 200, number_of(cases, "test/", "")}};
  for (const auto* letter : {"N", "A", "D", "G"})
    listing.counts.push_back({"photographs of kind " + std::string(letter), 200,
                              number_of(cases, "", "_" + std::string(letter))});
  return listing;
}

datasets::Image Fives::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 2, file);
}

datasets::Stored Fives::load(const datasets::Case& item) const {
  datasets::Stored stored{load_image(item.image)};
  stored.label = table_.read(item.masks.front(), stored.image, item.image);
  return stored;
}

}  // namespace covector::fives
