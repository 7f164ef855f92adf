#include "scr_files.h"

#include "jsrt.h"

#include "covector/core/error.h"
#include "covector/datasets/file_search.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace covector::scr {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kScrFolders{"heart", "left lung", "right lung", "left clavicle",
                                           "right clavicle"};
const std::vector<std::string> kGeminiFolders{"heart", "lung", "clavicle"};

using ByName = std::map<std::string, fs::path>;  // JPCLN001 -> file

struct Found {
  ByName images;
  std::map<std::string, ByName> masks;  // of SCR, by folder
  std::vector<fs::path> label_folders;  // of GEMINI
  std::vector<fs::path> unlabelled;     // folders of images without one beside them
};

void add(ByName& files, const fs::path& file) {
  const auto [other, is_new] = files.emplace(file.stem().string(), file);
  if (!is_new)
    throw DataError(file.string() + ": is there twice, also as " + other->second.string() +
                    "; keep one of them, or set root to one copy");
}

Found walk(const fs::path& root) {
  Found found;
  const auto options = fs::directory_options::follow_directory_symlink;
  for (auto entry = fs::recursive_directory_iterator(root, options);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const auto& path = entry->path();
    const auto name = path.filename().string();
    if (name.starts_with(".") || name == "__MACOSX") {
      entry.disable_recursion_pending();
    } else if (entry->is_directory()) {
      if (name == "label" && fs::is_directory(path / "heart")) found.label_folders.push_back(path);
      if (name == "image" && !fs::is_directory(path.parent_path() / "label"))
        found.unlabelled.push_back(path);
    } else if (is_jsrt(path)) {
      add(found.images, path);
    } else if (path.extension() == ".gif" &&
               path.parent_path().parent_path().filename() == "masks") {
      add(found.masks[path.parent_path().filename().string()], path);
    }
  }
  std::sort(found.label_folders.begin(), found.label_folders.end());
  return found;
}

std::int64_t number_with(const ByName& files, const std::string& start) {
  return std::count_if(files.begin(), files.end(),
                       [&](const auto& file) { return file.first.starts_with(start); });
}

void take_masks(datasets::Case& item, Found& found, datasets::Listing& listing) {
  std::string missing;
  for (const auto& folder : kScrFolders) {
    const auto mask = found.masks[folder].find(item.stem);
    if (mask == found.masks[folder].end())
      missing += (missing.empty() ? "" : ", ") + folder + "/" + item.stem + ".gif";
    else
      item.masks.push_back(mask->second);
  }
  if (missing.empty())
    listing.cases.push_back(std::move(item));
  else
    listing.problems.push_back(item.image.string() + ": has no mask " + missing +
                               " of SCR; add it, or take the image out");
}

datasets::Listing original(const fs::path& root, Found found) {
  if (found.masks.empty())
    throw DataError(root.string() +
                    ": holds images of JSRT, but no masks of SCR; expected "
                    "fold1/masks/heart/JPCLN001.gif and so on, here or below");
  datasets::Listing listing;
  listing.layout = "JSRT .IMG with the masks of SCR";
  for (const auto& [name, image] : found.images) {
    datasets::Case item{name, image};
    take_masks(item, found, listing);
  }
  std::set<std::string> lone;
  for (const auto& folder : kScrFolders)
    for (const auto& mask : found.masks[folder])
      if (!found.images.contains(mask.first) && lone.insert(mask.first).second)
        listing.problems.push_back(mask.second.string() + ": there is no image " + mask.first +
                                   ".IMG to it; add it, or take its masks out");
  listing.counts = {{"images with a nodule", 154, number_with(found.images, "JPCLN")},
                    {"images without", 93, number_with(found.images, "JPCNN")}};
  for (const auto& folder : kScrFolders)
    listing.counts.push_back(
        {"masks, " + folder, 247, static_cast<std::int64_t>(found.masks[folder].size())});
  return listing;
}

std::optional<Split> part_of(const fs::path& root, const fs::path& folder) {
  for (const auto& part : folder.lexically_relative(root)) {
    if (part == "train") return Split::train;
    if (part == "test") return Split::test;
  }
  return std::nullopt;
}

void add_pictures(const fs::path& labels, std::optional<Split> split, datasets::Listing& listing) {
  const auto folder = labels.parent_path() / "image";
  datasets::check_folder(folder, "it belongs beside " + labels.string());
  for (const auto& picture : datasets::find_images(folder, 2)) {
    datasets::Case item{picture.stem, picture.path};
    item.split = split;
    std::string missing;
    for (const auto& name : kGeminiFolders) {
      item.masks.push_back(labels / name / picture.path.filename());
      if (!fs::exists(item.masks.back())) missing = item.masks.back().string();
    }
    if (missing.empty())
      listing.cases.push_back(std::move(item));
    else
      listing.problems.push_back(picture.path.string() + ": has no mask " + missing +
                                 "; add it, or take the image out");
  }
}

datasets::Listing pictures(const fs::path& root, const Found& found) {
  datasets::Listing listing;
  listing.layout = "pictures with label/{heart,lung,clavicle}, as GEMINI has them";
  for (const auto& folder : found.label_folders)
    add_pictures(folder, part_of(root, folder), listing);
  for (const auto& folder : found.unlabelled)
    listing.notes.push_back(folder.string() + " is left out: its images have no masks");
  std::sort(listing.cases.begin(), listing.cases.end(),
            [](const auto& a, const auto& b) { return datasets::natural_less(a.stem, b.stem); });
  listing.counts = {{"images", 247, static_cast<std::int64_t>(listing.cases.size())}};
  return listing;
}

}  // namespace

datasets::Listing find_scr(const fs::path& root) {
  datasets::check_folder(root, "check root");
  auto found = walk(root);
  if (!found.images.empty()) return original(root, std::move(found));
  if (!found.label_folders.empty()) return pictures(root, found);
  throw DataError(root.string() +
                  ": holds neither JPCLN001.IMG and so on of JSRT (All247images, or "
                  "Nodule154images and NonNodule93images) nor image/ beside "
                  "label/{heart,lung,clavicle}, here or below; unpack the archives, check root");
}

}  // namespace covector::scr
