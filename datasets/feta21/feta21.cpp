#include "feta21.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/file_search.h"

#include <algorithm>
#include <optional>
#include <set>

namespace covector::feta21 {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kPipelines{"mial", "irtk"};

const std::vector<datasets::LabelGroup> kTissues{
    {"external-CSF", {1}, {}}, {"gray-matter", {2}, {}}, {"white-matter", {3}, {}},
    {"ventricles", {4}, {}},   {"cerebellum", {5}, {}},  {"deep-gray-matter", {6}, {}},
    {"brainstem", {7}, {}}};

// sub-001 and the like, in natural order.
std::vector<fs::path> subjects_of(const fs::path& folder) {
  return datasets::find_folders(folder, "sub-");
}

bool holds_set(const fs::path& folder) {
  const auto subjects = subjects_of(folder);
  return std::any_of(subjects.begin(), subjects.end(),
                     [](const fs::path& subject) { return fs::is_directory(subject / "anat"); });
}

// "sub-001_rec-mial_T2w" -> "mial".
std::optional<std::string> pipeline_of(const std::string& stem) {
  for (const auto& pipeline : kPipelines)
    if (stem.find("_rec-" + pipeline + "_") != std::string::npos) return pipeline;
  return std::nullopt;
}

// The subjects that participants.tsv names, in its first column.
std::set<std::string> participants_of(const fs::path& path) {
  const datasets::CsvTable table(path, '\t');
  const auto id = table.column("participant_id");
  std::set<std::string> names;
  for (const auto& row : table.rows()) names.insert(row.cells[id]);
  return names;
}

}  // namespace

Options::Options() {
  prepare.intensity = "minmax";
}

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "FeTA 2021, release 2.1: seven tissues on 80 T2 volumes of fetal brains, put together "
          "from "
          "slices by two pipelines, mial and irtk. Its own preparation: intensity = \"minmax\". "
          "Reads "
          "sub-001/anat/sub-001_rec-mial_T2w.nii.gz with sub-001_rec-mial_dseg.nii.gz and "
          "participants.tsv.")
      .source(
          "K. Payette et al., An automatic multi-tissue human fetal brain segmentation benchmark "
          "using the Fetal Tissue Annotation Dataset, Scientific Data 2021; on request at "
          "feta.grand-challenge.org");
  datasets::describe_root(schema);
  schema.field("pipeline", &Options::pipeline)
      .doc("volumes of which pipeline: \"mial\", \"irtk\", or \"all\"")
      .one_of({"all", "mial", "irtk"});
  datasets::describe_files(schema);
}

Feta21::Feta21(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)),
      options_(options),
      table_(kTissues) {}

void Feta21::add_subject(const fs::path& subject, datasets::Listing& listing) const {
  const auto name = subject.filename().string();
  bool any = false;
  for (const auto& found : datasets::find_images(subject, 3)) {
    const auto file = datasets::image_stem(found.path);
    if (!file.ends_with("_T2w")) continue;  // its label
    any = true;
    const auto pipeline = pipeline_of(file);
    if (!pipeline) {
      listing.problems.push_back(
          found.path.string() +
          ": its name tells no pipeline, rec-mial or rec-irtk; rename it, or "
          "take it out");
      continue;
    }
    if (options_.pipeline != "all" && options_.pipeline != *pipeline) continue;
    const auto label = file.substr(0, file.size() - 3) + "dseg";
    auto mask = found.path.parent_path() / (label + ".nii.gz");
    if (!fs::exists(mask)) mask.replace_extension();  // .nii
    if (!fs::exists(mask)) {
      listing.problems.push_back(found.path.string() + ": has no label " + label +
                                 ".nii.gz beside it; add it, or take the image out");
      continue;
    }
    datasets::Case item{name + "/" + found.stem, found.path, {mask}};
    item.patient = name;
    listing.cases.push_back(std::move(item));
  }
  if (!any)
    listing.problems.push_back(subject.string() + ": has no anat/" + name +
                               "_rec-mial_T2w.nii.gz or rec-irtk; add it, or take the subject out");
}

datasets::Listing Feta21::list() {
  const auto folder = datasets::find_set(
      options_.root, holds_set,
      "sub-001/anat/sub-001_rec-mial_T2w.nii.gz with sub-001_rec-mial_dseg.nii.gz, and the like");
  datasets::Listing listing;
  listing.layout = "FeTA 2.1, BIDS folders, in " + folder.string();
  const auto subjects = subjects_of(folder);
  const auto participants = participants_of(folder / "participants.tsv");
  for (const auto& subject : subjects) {
    if (!participants.count(subject.filename().string()))
      listing.notes.push_back(subject.string() + ": has no row in participants.tsv");
    add_subject(subject, listing);
  }
  // How many each pipeline made is not in the description of the set.
  if (options_.pipeline == "all")
    listing.counts.push_back({"volumes", 80, static_cast<std::int64_t>(listing.cases.size())});
  for (const auto& pipeline : kPipelines) {
    const auto count =
        std::count_if(listing.cases.begin(), listing.cases.end(), [&](const datasets::Case& item) {
          return pipeline_of(datasets::image_stem(item.image)) == pipeline;
        });
    if (count > 0) listing.notes.push_back("volumes by " + pipeline + ": " + std::to_string(count));
  }
  listing.counts.push_back({"participants", 80, static_cast<std::int64_t>(participants.size())});
  return listing;
}

datasets::Image Feta21::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 3, file);
}

datasets::Stored Feta21::load(const datasets::Case& item) const {
  datasets::Stored stored{load_image(item.image)};
  stored.label = table_.read(item.masks.at(0), stored.image, item.image);
  return stored;
}

}  // namespace covector::feta21
