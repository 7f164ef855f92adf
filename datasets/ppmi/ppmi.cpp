#include "ppmi.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/file_search.h"

#include <map>
#include <regex>

namespace covector::ppmi {
namespace {

namespace fs = std::filesystem;

// The table says "I123456" or 123456.
std::string number_of(const std::string& image_id) {
  return image_id.starts_with("I") ? image_id.substr(1) : image_id;
}

std::regex pattern_of(const std::string& description) {
  return std::regex(description, std::regex::ECMAScript | std::regex::icase);
}

// "MPRAGE (3), DTI (12)"
std::string listed(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "" : ", ") + name + " (" + std::to_string(count) + ")";
  return text;
}

}  // namespace

std::optional<Series> series_of(const fs::path& path) {
  static const std::regex kName(R"(PPMI_([^_]+)_MR_(.+?)_+[Bb]r_.*_(I\d+).*)");
  std::smatch name;
  const auto stem = datasets::image_stem(path);
  if (std::regex_match(stem, name, kName)) return Series{name[1], name[2], name[3]};
  static const std::regex kTime(R"(\d{4}-\d\d-\d\d_\d\d_\d\d_\d\d\.\d+)");
  static const std::regex kId(R"([IS]\d+)");
  const std::vector<fs::path> parts(path.begin(), path.end());
  for (std::size_t i = 2; i + 1 < parts.size(); ++i)
    if (std::regex_match(parts[i].string(), kTime) && std::regex_match(parts[i + 1].string(), kId))
      return Series{parts[i - 2].string(), parts[i - 1].string(), parts[i + 1].string()};
  return std::nullopt;
}

Options::Options() {
  prepare.orientation = "patient";
  prepare.intensity = "positive";
  prepare.crop = "foreground";
  prepare.size = {160, 160, 128};
}

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "PPMI: T1 volumes of the brain, without labels, as LONI's archive delivers them. Its own "
          "preparation: orientation = \"patient\", intensity = \"positive\", crop = "
          "\"foreground\", "
          "size = [160, 160, 128] (head, back, left). Reads DICOM series in "
          "PPMI/<subject>/<description>/<date>/<I...>/ and NIfTI files there or named "
          "PPMI_<subject>_MR_<description>_Br_..._S..._I... at any depth. The brain is to be "
          "extracted "
          "beforehand, with HD-BET in the paper, and saved under the same names.")
      .source(
          "K. Marek et al., The Parkinson Progression Marker Initiative (PPMI), Progress in "
          "Neurobiology 2011; ppmi-info.org, on application, through the Image and Data Archive of "
          "LONI")
      .reconstruction(
          "The paper resizes and crops to 160 x 160 x 128 on the brain and does not say how. Here "
          "the "
          "box of the brain is cut out and stretched to this size.");
  datasets::describe_root(schema);
  schema.field("description", &Options::description)
      .doc(
          "regular expression, in any case, that the description of a series holds if it is to be "
          "used; what is left out is told when the set is opened")
      .require(
          [](const std::string& pattern) {
            try {
              pattern_of(pattern);
              return true;
            } catch (const std::regex_error&) {
              return false;
            }
          },
          "a regular expression");
  schema.field("table", &Options::table)
      .doc(
          "CSV of LONI's search, with the columns Image Data ID and Description, which then tell "
          "the "
          "description; a relative path starts at root. Empty: folders and names do");
  datasets::describe_files(schema);
}

Ppmi::Ppmi(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)), options_(options) {}

std::vector<fs::path> Ppmi::tables() const {
  if (options_.table.empty()) return {};
  return {fs::path(options_.root) / options_.table};
}

Ppmi::Descriptions Ppmi::read_table() const {
  Descriptions out;
  for (const auto& path : tables()) {
    const datasets::CsvTable table(path);
    const auto id = table.column("Image Data ID");
    const auto description = table.column("Description");
    for (const auto& row : table.rows()) out[number_of(row.cells[id])] = row.cells[description];
  }
  return out;
}

std::optional<std::string> Ppmi::description_of(const Series& series,
                                                const Descriptions& described) const {
  if (options_.table.empty()) return series.description;
  const auto row = described.find(number_of(series.image_id));
  return row == described.end() ? std::nullopt : std::optional(row->second);
}

datasets::Listing Ppmi::list() {
  const fs::path root(options_.root);
  datasets::check_folder(root, "check root");
  const auto described = read_table();
  const auto wanted = pattern_of(options_.description);
  datasets::Listing listing;
  std::map<std::string, int> left_out;
  bool recognised = false;
  for (const auto& found : datasets::find_images(root, 3)) {
    const auto series = series_of(found.path);
    recognised = recognised || series;
    const auto description = series ? description_of(*series, described) : std::nullopt;
    if (!series) {
      listing.problems.push_back(
          found.path.string() +
          ": neither its folders nor its name tell whose image it is; name it "
          "as LONI does, or take it out");
    } else if (!description) {
      listing.problems.push_back(found.path.string() + ": " + tables()[0].string() +
                                 " has no row for Image Data ID " + series->image_id +
                                 "; complete the table, or take the image out");
    } else if (!std::regex_search(*description, wanted)) {
      ++left_out[*description];
    } else {
      listing.cases.push_back({found.stem, found.path, {}, series->subject});
    }
  }
  if (!recognised)
    throw DataError(root.string() +
                    ": does not look like this set; expected <subject>/<description>/"
                    "<YYYY-MM-DD_hh_mm_ss.0>/<I...>/*.dcm, or PPMI_<subject>_MR_<description>_Br_"
                    "..._S..._I....nii at any depth");
  listing.layout = "archive of LONI";
  listing.counts = {{"T1 volumes", 837, static_cast<std::int64_t>(listing.cases.size())}};
  if (!left_out.empty())
    listing.notes.push_back(root.string() + ": left out, by description: " + listed(left_out));
  return listing;
}

datasets::Image Ppmi::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 3, file);
}

datasets::Stored Ppmi::load(const datasets::Case& item) const {
  return {load_image(item.image)};
}

}  // namespace covector::ppmi
