#include "nih_files.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/file_search.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace covector::chestxray8 {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTables{"Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv"};
const std::vector<std::string> kSorted{"AP_F", "AP_M", "PA_F", "PA_M"};

// images of an archive unpacked in place, images_01 of NIH's unpacked apart, images_001 of Kaggle.
bool is_image_folder(const fs::path& folder) {
  static const std::regex kName("images(_[0-9]{2,3})?");
  return fs::is_directory(folder) && std::regex_match(folder.filename().string(), kName);
}

std::vector<fs::path> image_folders(const fs::path& set) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(set))
    if (is_image_folder(entry.path())) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

bool is_sorted(const fs::path& set) {
  return std::all_of(kSorted.begin(), kSorted.end(),
                     [&](const auto& name) { return fs::is_directory(set / name); });
}

// images_001 holds a folder images, which is no set by itself.
bool holds_set(const fs::path& folder) {
  return is_sorted(folder) || (!is_image_folder(folder) && !image_folders(folder).empty());
}

bool has_name(const std::string& name) {
  static const std::regex kName("[0-9]{8}_[0-9]{3}");
  return std::regex_match(name, kName);
}

/// View of each image that the table has a row for.
std::map<std::string, std::string> views_of(const fs::path& path) {
  // The headers OriginalImage[Width,Height] and OriginalImagePixelSpacing[x,y] are not quoted: each
  // makes two columns, as do their values.
  const datasets::CsvTable table(path);
  const auto image = table.column("Image Index");
  const auto view = table.column("View Position");
  const auto patient = table.column("Patient ID");
  std::map<std::string, std::string> views;
  for (const auto& row : table.rows()) {
    const auto name = fs::path(row.cells[image]).stem().string();
    const auto& number = row.cells[patient];
    if (!has_name(name) || number.empty() ||
        number.find_first_not_of("0123456789") != std::string::npos ||
        std::stoll(name) != std::stoll(number.substr(0, 18)))
      throw DataError(table.where(row) + ": '" + row.cells[image] + "' is no image of patient '" +
                      number + "', as its name should say; fetch the table again");
    if (row.cells[view] != "AP" && row.cells[view] != "PA")
      throw DataError(table.where(row) + ": '" + row.cells[view] +
                      "' is no view, AP or PA; fetch the table again");
    views[name] = row.cells[view];
  }
  return views;
}

void check_once(const std::vector<datasets::Case>& cases) {
  for (std::size_t i = 1; i < cases.size(); ++i)
    if (cases[i].stem == cases[i - 1].stem)
      throw DataError(cases[i].image.string() + ": is there twice, also as " +
                      cases[i - 1].image.string() + "; keep one of them");
}

datasets::Case case_of(const std::string& name, const fs::path& image) {
  datasets::Case item{name, image};
  item.patient = name.substr(0, 8);
  return item;
}

std::int64_t patients_in(const std::vector<datasets::Case>& cases) {
  std::set<std::string> patients;
  for (const auto& item : cases) patients.insert(item.patient);
  return static_cast<std::int64_t>(patients.size());
}

}  // namespace

Places find_places(const fs::path& root) {
  Places places;
  places.set = datasets::find_set(root, holds_set,
                                  "images (NIH's archives unpacked into one folder), images_01 ... "
                                  "images_12 or images_001 ... images_012 (Kaggle), or AP_F, AP_M, "
                                  "PA_F and PA_M");
  if (is_sorted(places.set)) {
    places.layout = "sorted by view and sex, as GEMINI has it";
    for (const auto& name : kSorted)
      places.folders.emplace_back(places.set / name, name.substr(0, 2));
    return places;
  }
  for (const auto& folder : image_folders(places.set)) places.folders.emplace_back(folder, "");
  const auto first = places.folders.front().first.filename().string();
  places.layout = first.size() == std::string("images_001").size() ? "Kaggle" : "NIH";
  for (const auto& table : kTables)
    if (places.table.empty() && fs::exists(places.set / table)) places.table = places.set / table;
  if (!places.table.empty()) places.layout += ", " + places.table.filename().string();
  return places;
}

datasets::Listing list_images(const Places& places, const std::string& view) {
  const bool sorted = !places.folders.front().second.empty();
  const bool knows_views = sorted || !places.table.empty();
  if (!view.empty() && !knows_views)
    throw DataError(places.set.string() + ": has no " + kTables[0] + " or " + kTables[1] +
                    ", which tells AP from PA; fetch it, or set view = \"all\"");
  std::map<std::string, std::string> views;
  if (!places.table.empty()) views = views_of(places.table);
  datasets::Listing listing;
  listing.layout = places.layout;
  std::map<std::string, std::int64_t> found;  // by view
  for (const auto& [folder, view_of_folder] : places.folders)
    for (const auto& image : datasets::find_images(folder, 2)) {
      const auto name = image.path.stem().string();
      const auto row = views.find(name);
      const bool lacks_row = !places.table.empty() && row == views.end();
      if (!has_name(name) || lacks_row) {
        listing.problems.push_back(
            image.path.string() +
            (has_name(name)
                 ? ": has no row in " + places.table.string() +
                       "; take it out, or fetch the table again"
                 : ": no name of this set, so its patient is not known (00000001_000.png); "
                   "rename it, or take it out"));
        continue;
      }
      const auto known = row == views.end() ? view_of_folder : row->second;
      ++found[known];
      if (view.empty() || known == view) listing.cases.push_back(case_of(name, image.path));
    }
  std::sort(listing.cases.begin(), listing.cases.end(),
            [](const auto& a, const auto& b) { return a.stem < b.stem; });
  check_once(listing.cases);
  if (view.empty())
    listing.counts = {{"images", 112120, static_cast<std::int64_t>(listing.cases.size())},
                      {"patients", 30805, patients_in(listing.cases)}};
  if (knows_views) {
    listing.counts.push_back({"images AP", 44810, found["AP"]});
    listing.counts.push_back({"images PA", 67310, found["PA"]});
  }
  return listing;
}

}  // namespace covector::chestxray8
