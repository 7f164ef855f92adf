#include "covector/datasets/image_index.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"

#include <iterator>

namespace covector::datasets {
namespace {

std::string without_extension(const std::string& name) {
  const std::filesystem::path path(name);
  const auto last = has_image_name(path) ? image_stem(path) : path.filename().string();
  return (path.parent_path() / last).lexically_normal().generic_string();
}

std::string last_part(const std::string& stem) {
  return stem.substr(stem.rfind('/') + 1);
}

template <class Images>
void add_keys(Images& images, const std::string& key, std::size_t image) {
  images[key].insert(image);
  if (key.ends_with("_0000")) images[key.substr(0, key.size() - 5)].insert(image);
}

}  // namespace

ImageIndex::ImageIndex(std::vector<std::string> stems) : stems_(std::move(stems)) {
  for (std::size_t i = 0; i < stems_.size(); ++i) add(stems_[i], i);
}

void ImageIndex::add(const std::string& stem, std::size_t image) {
  add_keys(whole_, stem, image);
  add_keys(last_, last_part(stem), image);
}

std::size_t ImageIndex::find(const std::string& name, const std::string& where) const {
  const auto stem = without_extension(name);
  auto hit = whole_.find(stem);
  for (auto slash = stem.find('/'); hit == whole_.end() && slash != std::string::npos;
       slash = stem.find('/', slash + 1))
    hit = whole_.find(stem.substr(slash + 1));
  if (hit == whole_.end()) {
    hit = last_.find(last_part(stem));
    if (hit == last_.end()) throw DataError(where + ": '" + name + "' names no image of the set");
  }
  const auto& images = hit->second;
  if (images.size() > 1)
    throw DataError(where + ": '" + name + "' fits " + stems_[*images.begin()] + " and " +
                    stems_[*std::next(images.begin())] + "; write more of the path");
  return *images.begin();
}

}  // namespace covector::datasets
