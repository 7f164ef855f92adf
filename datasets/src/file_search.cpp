#include "covector/datasets/file_search.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace covector::datasets {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// What other systems leave behind.
bool is_stray(const fs::path& path) {
  return path.filename() == "__MACOSX" || path.filename().string().starts_with(".");
}

std::string stem_under(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return (relative.parent_path() / image_stem(relative)).generic_string();
}

}  // namespace

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
  for (auto entry = fs::recursive_directory_iterator(folder);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const auto& path = entry->path();
    if (entry->is_directory() && path.filename() == "__MACOSX") entry.disable_recursion_pending();
    if (!entry->is_regular_file() || is_stray(path)) continue;
    if (!has_image_name(path)) continue;
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

std::vector<fs::path> find_folders(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && entry.path().filename().string().starts_with(prefix))
      folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  return folders;
}

fs::path find_set(const fs::path& root, const std::function<bool(const fs::path&)>& holds_set,
                  const std::string& expected) {
  check_folder(root, "check root");
  std::vector<fs::path> level{root};
  for (int depth = 0; depth <= 2; ++depth) {
    std::vector<fs::path> hits;
    std::vector<fs::path> next;
    for (const auto& folder : level) {
      if (holds_set(folder)) hits.push_back(folder);
      for (const auto& entry : fs::directory_iterator(folder))
        if (entry.is_directory() && !is_stray(entry.path())) next.push_back(entry.path());
    }
    if (hits.size() == 1) return hits[0];
    std::sort(hits.begin(), hits.end());
    if (hits.size() > 1)
      throw DataError(root.string() + ": holds the set twice, in " + hits[0].string() + " and in " +
                      hits[1].string() + "; set root to one of them");
    level = std::move(next);
  }
  throw DataError(root.string() + ": does not look like this set; expected " + expected +
                  ", here or up to two folders below");
}

void check_folder(const fs::path& folder, const std::string& check) {
  if (fs::is_directory(folder)) return;
  const auto hint =
      folder.is_relative() ? " (looked for in " + fs::current_path().string() + ")" : std::string();
  throw DataError(folder.string() + ": is no folder" + hint + "; " + check);
}

}  // namespace covector::datasets
