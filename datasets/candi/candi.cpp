#include "candi.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/file_search.h"

#include <torch/types.h>

#include <algorithm>
#include <optional>

namespace covector::candi {
namespace {

namespace fs = std::filesystem;

struct Group {
  std::string name;
  std::int64_t subjects;
};
const std::vector<Group> kGroups{{"HC", 29}, {"BPDwoPsy", 35}, {"BPDwPsy", 19}, {"SS", 20}};

// The structures that GEMINI segments, by FreeSurfer's numbers and names.
const std::vector<datasets::LabelGroup> kStructures{{"Left-Cerebral-White-Matter", {2}, {}},
                                                    {"Left-Cerebral-Cortex", {3}, {}},
                                                    {"Left-Lateral-Ventricle", {4}, {}},
                                                    {"Left-Cerebellum-White-Matter", {7}, {}},
                                                    {"Left-Cerebellum-Cortex", {8}, {}},
                                                    {"Left-Thalamus", {10}, {}},
                                                    {"Left-Caudate", {11}, {}},
                                                    {"Left-Putamen", {12}, {}},
                                                    {"Left-Pallidum", {13}, {}},
                                                    {"3rd-Ventricle", {14}, {}},
                                                    {"4th-Ventricle", {15}, {}},
                                                    {"Brain-Stem", {16}, {}},
                                                    {"Left-Hippocampus", {17}, {}},
                                                    {"Left-Amygdala", {18}, {}},
                                                    {"CSF", {24}, {}},
                                                    {"Left-VentralDC", {28}, {}},
                                                    {"Right-Cerebral-White-Matter", {41}, {}},
                                                    {"Right-Cerebral-Cortex", {42}, {}},
                                                    {"Right-Lateral-Ventricle", {43}, {}},
                                                    {"Right-Cerebellum-White-Matter", {46}, {}},
                                                    {"Right-Cerebellum-Cortex", {47}, {}},
                                                    {"Right-Thalamus", {49}, {}},
                                                    {"Right-Caudate", {50}, {}},
                                                    {"Right-Putamen", {51}, {}},
                                                    {"Right-Pallidum", {52}, {}},
                                                    {"Right-Hippocampus", {53}, {}},
                                                    {"Right-Amygdala", {54}, {}},
                                                    {"Right-VentralDC", {60}, {}}};

bool holds_set(const fs::path& folder) {
  return std::any_of(kGroups.begin(), kGroups.end(),
                     [&](const Group& group) { return fs::is_directory(folder / group.name); });
}

// HC/HC_001 and the like, in natural order.
std::vector<fs::path> subjects_of(const fs::path& folder, const std::string& group) {
  if (!fs::is_directory(folder / group)) return {};
  return datasets::find_folders(folder / group, group + "_");
}

// The file of a subject, under the names that copies of the set use.
std::optional<fs::path> file_of(const fs::path& subject, const std::vector<std::string>& names) {
  for (const auto& name : names)
    for (const auto* extension : {".nii.gz", ".nii"})
      if (const auto path = subject / (name + extension); fs::exists(path)) return path;
  return std::nullopt;
}

// Rows of the demographics tables beside the groups.
std::int64_t rows_in_tables(const fs::path& folder) {
  std::int64_t rows = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(".csv") || name.starts_with(".")) continue;
    const datasets::CsvTable table(entry.path());
    table.column("Subject");
    rows += static_cast<std::int64_t>(table.rows().size());
  }
  return rows;
}

}  // namespace

Options::Options() {
  prepare.orientation = "patient";
  prepare.intensity = "minmax";
  prepare.size = {160, 128, 160};
  prepare.fit = "crop_or_pad";
}

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "CANDI, SchizBull_2008: 28 structures on 103 T1 volumes of the brain. Its own "
          "preparation: "
          "orientation = \"patient\", intensity = \"minmax\", size = [160, 128, 160] (head, back, "
          "left), fit = \"crop_or_pad\". Reads "
          "{HC,BPDwoPsy,BPDwPsy,SS}/HC_001/HC_001_procimg.nii.gz "
          "with HC_001_seg.nii.gz or HC_001.seg.nii.gz, and anat.nii.gz with seg.nii.gz. Labels "
          "beside the 28 structures, such as the inferior lateral ventricles, are background, as "
          "in "
          "the authors' GEMINI.")
      .source(
          "D. Kennedy et al., CANDIShare: a resource for pediatric neuroimaging data, "
          "Neuroinformatics 2012; nitrc.org/projects/candi_share, after registration")
      .reconstruction(
          "The paper resizes and crops to 160 x 160 x 128 on the brain and does not say how. Here "
          "the "
          "stored voxels are kept and cropped about the centre, with 128 across the coronal slices "
          "of "
          "1.5 mm, along which the brain is longest.");
  datasets::describe_root(schema);
  datasets::describe_files(schema);
}

Candi::Candi(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)),
      root_(options.root),
      table_({"", kStructures, "background"}, {}) {}

datasets::Listing Candi::list() {
  const auto folder = datasets::find_set(
      root_, holds_set,
      "HC, BPDwoPsy, BPDwPsy and SS with HC/HC_001/HC_001_procimg.nii.gz and the like");
  datasets::Listing listing;
  std::string names;
  for (const auto& group : kGroups) {
    const auto subjects = subjects_of(folder, group.name);
    listing.counts.push_back(
        {"subjects of " + group.name, group.subjects, static_cast<std::int64_t>(subjects.size())});
    for (const auto& subject : subjects) {
      const auto name = subject.filename().string();
      const auto image = file_of(subject, {name + "_procimg", "anat"});
      const auto mask = file_of(subject, {name + "_seg", name + ".seg", "seg"});
      if (!image || !mask) {
        listing.problems.push_back(
            subject.string() + ": has no " +
            (image ? name + "_seg.nii.gz, " + name + ".seg.nii.gz or seg.nii.gz"
                   : name + "_procimg.nii.gz or anat.nii.gz") +
            "; add it, or take the subject out");
        continue;
      }
      datasets::Case item{
          group.name + "/" + name + "/" + datasets::image_stem(*image), *image, {*mask}};
      item.patient = name;
      listing.cases.push_back(std::move(item));
      names = image->filename().string().starts_with("anat") ? "anat and seg" : "procimg and seg";
    }
  }
  listing.layout = "group folders with " + names + ", in " + folder.string();
  listing.counts.push_back({"subjects in the demographics tables", 103, rows_in_tables(folder)});
  return listing;
}

datasets::Image Candi::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 3, file);
}

datasets::Stored Candi::load(const datasets::Case& item) const {
  datasets::Stored stored{load_image(item.image)};
  stored.label = table_.read(item.masks.at(0), stored.image, item.image);
  return stored;
}

}  // namespace covector::candi
