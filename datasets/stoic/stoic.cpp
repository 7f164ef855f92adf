#include "stoic.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/file_search.h"
#include "covector/datasets/geometry.h"
#include "covector/datasets/label_table.h"

#include <torch/types.h>

#include <fstream>
#include <set>

namespace covector::stoic {
namespace {

namespace fs = std::filesystem;

bool holds_set(const fs::path& folder) {
  return fs::is_directory(folder / "data" / "mha") &&
         fs::exists(folder / "metadata" / "reference.csv");
}

// Whether the text before the voxels of a .mha names age and sex, as the official files do:
// "PatientAge = 035Y". Reads no voxel.
bool names_age_and_sex(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::set<std::string> keys;
  constexpr int kLines = 64;  // the official headers have 20
  std::string line;
  for (int i = 0; i < kLines && std::getline(file, line); ++i) {
    const auto key = line.substr(0, line.find_first_of(" ="));
    keys.insert(key);
    if (key == "ElementDataFile") break;
  }
  return keys.count("PatientAge") && keys.count("PatientSex");
}

bool flag(const datasets::CsvTable& table, const datasets::CsvTable::Row& row, std::size_t column) {
  const auto& cell = row.cells[column];
  if (cell == "1" || cell == "1.0") return true;
  if (cell == "0" || cell == "0.0") return false;
  throw DataError(table.where(row) + ": '" + cell + "' is neither 0 nor 1; correct it");
}

// The smallest box that holds what is above 0 in the mask.
datasets::Image cropped(datasets::Image image, const at::Tensor& mask, const fs::path& path) {
  const auto lungs = mask[0] > 0;
  if (!lungs.any().item<bool>())
    throw DataError(path.string() + ": shows no lung; repair it, or take it out");
  std::vector<double> first;
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    const auto inside = lungs.movedim(axis, 0).flatten(1).any(1).nonzero();
    const auto from = inside[0].item<std::int64_t>();
    first.push_back(static_cast<double>(from));
    image.pixels = image.pixels.slice(axis + 1, from, inside[-1].item<std::int64_t>() + 1);
  }
  image.pixels = image.pixels.contiguous();
  image.geometry = datasets::regridded(image.geometry, {1, 1, 1}, first);
  return image;
}

}  // namespace

Options::Options() {
  prepare.intensity = "window";
  prepare.window = {-1000, 400};
  prepare.spacing_mm = {1, 1, 1};
  prepare.size = {256, 256, 320};
  prepare.fit = "crop_or_pad";
}

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "STOIC 2021: chest CT of 2,000 people with and without COVID-19. Its own preparation: "
          "intensity = \"window\", window = [-1000, 400] in Hounsfield units, spacing_mm = [1, 1, "
          "1], "
          "size = [256, 256, 320], fit = \"crop_or_pad\". Reads data/mha/<PatientID>.mha and "
          "metadata/reference.csv.")
      .source(
          "M.-P. Revel et al., Study of thoracic CT in COVID-19: the STOIC project, Radiology "
          "2021; "
          "stoic2021.grand-challenge.org, whose page states the terms")
      .reconstruction(
          "The paper segments the lungs, resamples to 1 mm and stretches to [0, 1]; it names "
          "neither "
          "window nor size.");
  datasets::describe_root(schema);
  schema.field("labels", &Options::labels)
      .doc(
          "\"covid\": without and with COVID-19 (probCOVID); \"severe\": how those with COVID-19 "
          "fared "
          "(probSevere), the others are left out")
      .one_of({"covid", "severe"});
  schema.field("lungs", &Options::lungs)
      .doc(
          "folder of lung masks under the names of the scans, such as Lungmask writes; a relative "
          "path "
          "starts at root. Scans are then cropped to the lungs; files from outside are taken as "
          "they "
          "are. Empty: whole scans");
  datasets::describe_files(schema);
}

Stoic::Stoic(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)), options_(options) {}

std::vector<std::string> Stoic::image_classes() const {
  if (options_.labels == "severe") return {"not-severe", "severe"};
  return {"no-COVID", "COVID"};
}

datasets::SplitCounts Stoic::paper_counts() const {
  if (options_.labels == "severe") return {};
  return {{397, 159, 239}, {603, 241, 361}};
}

Stoic::Rows Stoic::read_table(const fs::path& path, datasets::Listing& listing) const {
  const datasets::CsvTable table(path);
  const auto id = table.column("PatientID");
  const auto covid = table.column("probCOVID");
  const auto severe = table.column("probSevere");
  const bool by_severity = options_.labels == "severe";
  Rows rows;
  std::int64_t without = 0;
  for (const auto& row : table.rows()) {
    const bool is_covid = flag(table, row, covid);
    const bool is_severe = flag(table, row, severe);
    without += by_severity && !is_covid;
    const auto number = by_severity ? (is_covid ? std::int64_t{is_severe} : -1) : is_covid;
    if (!rows.emplace(row.cells[id], number).second)
      throw DataError(table.where(row) + ": PatientID " + row.cells[id] +
                      " has a row already; keep one of them");
  }
  if (without > 0)
    listing.notes.push_back(path.string() + ": " + std::to_string(without) +
                            " people without COVID-19 are left out, whom labels = \"severe\" does "
                            "not speak of");
  return rows;
}

void Stoic::add_scan(const fs::path& image, const Rows& rows,
                     const std::map<std::string, fs::path>& lungs,
                     datasets::Listing& listing) const {
  const auto name = datasets::image_stem(image);
  const auto row = rows.find(name);
  if (row == rows.end()) {
    listing.problems.push_back(image.string() + ": has no row in " + table_.string() +
                               "; complete the table, or take the scan out");
    return;
  }
  if (row->second < 0) return;  // told of by read_table()
  datasets::Case item{"data/mha/" + name, image};
  item.patient = name;
  item.image_class = row->second;
  if (!options_.lungs.empty()) {
    const auto mask = lungs.find(name);
    if (mask == lungs.end()) {
      listing.problems.push_back(image.string() + ": has no mask " + name + ".* in " +
                                 (fs::path(options_.root) / options_.lungs).string() +
                                 "; make it, or take the scan out");
      return;
    }
    item.masks = {mask->second};
  }
  listing.cases.push_back(std::move(item));
}

datasets::Listing Stoic::list() {
  const auto folder = datasets::find_set(options_.root, holds_set,
                                         "data/mha/<PatientID>.mha and metadata/reference.csv");
  table_ = folder / "metadata" / "reference.csv";
  datasets::Listing listing;
  listing.layout = "data/mha and metadata/reference.csv, in " + folder.string();
  const auto rows = read_table(table_, listing);
  std::map<std::string, fs::path> lungs;
  if (!options_.lungs.empty()) {
    const auto masks = fs::path(options_.root) / options_.lungs;
    datasets::check_folder(masks, "check lungs");
    for (const auto& found : datasets::find_images(masks, 3)) lungs[found.stem] = found.path;
  }
  std::int64_t scans = 0;
  std::int64_t with_age_and_sex = 0;
  for (const auto& found : datasets::find_images(folder / "data" / "mha", 3)) {
    ++scans;
    with_age_and_sex += names_age_and_sex(found.path);
    add_scan(found.path, rows, lungs, listing);
  }
  listing.counts = {{"scans", 2000, scans},
                    {"rows of reference.csv", 2000, static_cast<std::int64_t>(rows.size())},
                    {"scans whose header names age and sex", 2000, with_age_and_sex}};
  return listing;
}

datasets::Image Stoic::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 3, file);
}

datasets::Stored Stoic::load(const datasets::Case& item) const {
  auto image = load_image(item.image);
  for (const auto& path : item.masks) {
    const auto mask = datasets::read_mask(path);
    datasets::check_mask_fits(mask, path, image, item.image);
    image = cropped(std::move(image), mask.pixels, path);
  }
  return {std::move(image)};
}

}  // namespace covector::stoic
