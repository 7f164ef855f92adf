#include "bids.h"

#include "covector/core/error.h"
#include "covector/datasets/file_search.h"

#include <map>
#include <regex>

namespace covector::image_folder {
namespace {

// A path below root, taken apart: [derivatives/PIPELINE/] FOLDER/ NAME_SUFFIX.
struct Parts {
  bool derived;
  std::string folder;  // sub-1/ses-2/anat
  std::string subject;
  std::string name;  // without the suffix
  std::string suffix;
};

std::optional<Parts> parts_of(const std::string& stem) {
  static const std::regex kForm(
      "(derivatives/[^/]+/)?((sub-[A-Za-z0-9]+)/(?:ses-[A-Za-z0-9]+/)?[a-z]+)/"
      "(sub-[^/]*)_([A-Za-z0-9]+)");
  std::smatch match;
  if (!std::regex_match(stem, match, kForm)) return std::nullopt;
  return Parts{match[1].matched, match[2], match[3], match[4], match[5]};
}

// The image's name, and after it nothing but entities, "_desc-brain".
bool is_of(const std::string& name, const std::string& image) {
  static const std::regex kEntities("(_[A-Za-z0-9]+-[^_/]+)*");
  return name.starts_with(image) && std::regex_match(name.substr(image.size()), kEntities);
}

struct BidsFile {
  Parts parts;
  datasets::Found found;
};

// The image that a mask belongs to: sub-1_run-2_dseg is of sub-1_run-2_T1w rather than sub-1_T1w.
BidsFile* image_of(const BidsFile& mask, std::vector<BidsFile*>& images) {
  BidsFile* best = nullptr;
  for (auto* image : images)
    if (is_of(mask.parts.name, image->parts.name) &&
        (!best || image->parts.name.size() > best->parts.name.size()))
      best = image;
  return best;
}

}  // namespace

void add_bids(const std::filesystem::path& root, std::int64_t dimensions, const std::string& suffix,
              const std::string& mask_suffix, datasets::Listing& listing) {
  datasets::check_folder(root, "check root");
  std::vector<BidsFile> images;
  std::vector<BidsFile> masks;
  for (auto& found : datasets::find_images(root, dimensions)) {
    const auto parts = parts_of(found.stem);
    if (!parts) continue;
    if (!parts->derived && parts->suffix == suffix) images.push_back({*parts, found});
    if (parts->suffix == mask_suffix) masks.push_back({*parts, found});
  }
  if (images.empty())
    throw DataError(root.string() + ": expected a BIDS folder with images sub-*/[ses-*/]*/*_" +
                    suffix + ".nii.gz; check root and suffix");
  std::map<std::string, std::vector<BidsFile*>> of_folder;
  for (auto& image : images) of_folder[image.parts.folder].push_back(&image);
  std::map<const BidsFile*, std::vector<std::filesystem::path>> masks_of;
  for (const auto& mask : masks)
    if (const auto* image = image_of(mask, of_folder[mask.parts.folder]))
      masks_of[image].push_back(mask.found.path);
  for (const auto& image : images) {
    const auto& path = image.found.path;
    datasets::Case item{image.found.stem, path, masks_of[&image], image.parts.subject};
    if (!mask_suffix.empty() && item.masks.empty())
      listing.problems.push_back(path.string() + ": has no mask *_" + mask_suffix +
                                 " beside it or below derivatives; add it, or take the image out");
    else if (item.masks.size() > 1)
      listing.problems.push_back(path.string() + ": has the masks " + item.masks[0].string() +
                                 " and " + item.masks[1].string() + "; keep one of them");
    else
      listing.cases.push_back(std::move(item));
  }
  listing.layout = "BIDS";
}

}  // namespace covector::image_folder
