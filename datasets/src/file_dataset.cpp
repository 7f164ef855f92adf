#include "covector/datasets/file_dataset.h"

#include "covector/core/error.h"
#include "covector/datasets/fingerprint.h"
#include "covector/datasets/prepared_cache.h"

#include <algorithm>
#include <iostream>
#include <map>

namespace covector::datasets {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> patients_of(const std::vector<Case>& cases) {
  std::vector<std::string> patients;
  for (const auto& item : cases) patients.push_back(item.patient);
  return patients;
}

// Empty unless every case has one.
std::vector<std::int64_t> classes_of(const std::vector<Case>& cases) {
  std::vector<std::int64_t> classes;
  for (const auto& item : cases) {
    if (!item.image_class) return {};
    classes.push_back(*item.image_class);
  }
  return classes;
}

void check_ids(const std::vector<Case>& cases) {
  std::map<std::string, const Case*> seen;
  for (const auto& item : cases)
    if (const auto [other, is_new] = seen.emplace(item.id(), &item); !is_new)
      throw DataError(item.image.string() + ": has the same id '" + item.id() + "' as " +
                      other->second->image.string() + "; rename one of them");
}

// A part that the source fixes gets no more: what is missing there is missing.
SplitCounts without(SplitCounts counts, const std::vector<Case>& fixed) {
  for (const auto& item : fixed)
    for (auto& row : counts) row[static_cast<std::size_t>(*item.split)] = 0;
  return counts;
}

}  // namespace

std::string Case::id() const {
  auto id = stem;
  std::replace(id.begin(), id.end(), '/', '_');
  return id;
}

FileDataset::FileDataset(FileOptions files, OptionTable options)
    : files_(std::move(files)), options_(std::move(options)) {}

void FileDataset::open() {
  skipped_.clear();
  auto listing = list();
  for (const auto& note : listing.notes)  // the standard output may be JSON
    std::cerr << "note: " << note << std::endl;
  auto cases = usable(std::move(listing));
  use(files_.on_error == "skip" ? readable(cases) : std::move(cases));
  if (!files_.prepared.empty()) use_prepared();
}

void FileDataset::use(std::vector<Case> cases) {
  check_ids(cases);
  parts_.clear();
  cases_ = std::move(cases);
  assign_splits();
  check_splits();
}

std::vector<Case> FileDataset::usable(Listing listing) {
  if (!listing.problems.empty() && files_.on_error == "stop") {
    const auto others = listing.problems.size() - 1;
    throw DataError(listing.problems[0] + (others == 0 ? std::string()
                                                       : " (and " + std::to_string(others) +
                                                             " more; on_error = \"skip\" leaves "
                                                             "them out)"));
  }
  skipped_ = std::move(listing.problems);
  return std::move(listing.cases);
}

std::vector<Case> FileDataset::readable(const std::vector<Case>& cases) {
  std::vector<Case> usable;
  for (const auto& item : cases) {
    try {
      sample_of(item, load(item));
      usable.push_back(item);
    } catch (const DataError& error) {
      skipped_.push_back(error.what());
    }
  }
  return usable;
}

void FileDataset::assign_splits() {
  const auto& by = files_.split.by;
  parts_.clear();
  for (const auto& item : cases_) parts_.push_back(item.split);
  if (by == "file" || by == "lists")
    match();
  else if (by != "folders")
    draw();
}

// What the source does not put in a part itself is drawn, at the paper's counts or in shares.
void FileDataset::draw() {
  const auto& split = files_.split;
  const auto counts = paper_counts();
  const bool paper = split.by == "paper" || (split.by == "auto" && !counts.empty());
  if (paper && counts.empty())
    throw DataError(files_.root +
                    ": no published split of this set is known; set split.by to another way");
  std::vector<Case> free;
  std::vector<Case> fixed;
  for (const auto& item : cases_) (paper && item.split ? fixed : free).push_back(item);
  const auto patients = patients_of(free);
  const auto classes = classes_of(free);
  const auto drawn = paper ? draw_split(patients, without(counts, fixed), split.seed, classes)
                           : draw_split(patients, split.fractions, split.seed, classes);
  auto next = drawn.begin();
  for (std::size_t i = 0; i < cases_.size(); ++i)
    parts_[i] = paper && cases_[i].split ? cases_[i].split : *next++;
  for (std::size_t part = 0; part < 3 && !paper; ++part) {
    const auto name = static_cast<Split>(part);
    if (split.fractions[part] > 0 && indices(name).empty())
      throw DataError(files_.root + ": the " + std::string(to_string(name)) +
                      " split is empty: " + std::to_string(cases_.size()) +
                      " images are too few for its share; change split.fractions");
  }
}

void FileDataset::match() {
  const auto& split = files_.split;
  const fs::path root(files_.root);
  std::vector<SplitEntry> entries;
  if (split.by == "file") {
    entries = read_split_file(root / split.file, split.fold);
  } else {
    const std::pair<const std::string&, Split> lists[] = {{split.train, Split::train},
                                                          {split.validation, Split::validation},
                                                          {split.test, Split::test}};
    for (const auto& [file, part] : lists) {
      if (file.empty()) continue;
      const auto more = read_split_list(root / file, part);
      entries.insert(entries.end(), more.begin(), more.end());
    }
  }
  std::vector<std::string> stems;
  for (const auto& item : cases_) stems.push_back(item.stem);
  parts_ = match_split(entries, stems);
}

void FileDataset::check_splits() const {
  const auto training = indices(Split::train);
  if (training.empty())
    throw DataError(files_.root + ": the train split is empty; look at split (by = \"" +
                    files_.split.by + "\")");
  const auto names = image_classes();
  std::vector<bool> seen(names.size());
  for (const auto index : training)
    if (const auto number = at(index).image_class) seen[static_cast<std::size_t>(*number)] = true;
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!seen[i])
      throw DataError(files_.root + ": the train split has no image of class '" + names[i] +
                      "'; look at classes.names and split");
  if (files_.split.patients == "shared") return;
  std::map<std::string, std::size_t> first;  // image of each patient
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    const auto& patient = cases_[i].patient;
    if (patient.empty() || !parts_[i]) continue;
    const auto [other, is_new] = first.emplace(patient, i);
    if (!is_new && parts_[other->second] != parts_[i])
      throw DataError(files_.root + ": patient '" + patient + "' is in " +
                      std::string(to_string(*parts_[other->second])) + " (" +
                      cases_[other->second].stem + ") and in " +
                      std::string(to_string(*parts_[i])) + " (" + cases_[i].stem +
                      "), so results would be too good; mend the split, or say split.patients = "
                      "\"shared\"");
  }
}

bool FileDataset::has_splits() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const auto& part) { return part.has_value(); });
}

std::vector<std::int64_t> FileDataset::indices(Split split) const {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < parts_.size(); ++i)
    if (parts_[i] == split) out.push_back(static_cast<std::int64_t>(i));
  return out;
}

Sample FileDataset::sample_of(const Case& item, const Stored& stored) const {
  return named(prepare(files_.prepare, stored.image, stored.label, input().channels, item.image),
               item);
}

Sample FileDataset::named(Prepared prepared, const Case& item) const {
  return {std::move(prepared.image),
          std::move(prepared.label),
          std::move(prepared.geometry),
          item.id(),
          item.patient,
          item.image_class};
}

Sample FileDataset::get(std::int64_t index) const {
  const auto& item = at(index);
  return cache_ ? named(cache_->read(index), item) : sample_of(item, load(item));
}

Sample FileDataset::stored(std::int64_t index) const {
  if (!cache_) return get(index);
  auto sample = named(cache_->stored(index), at(index));
  sample.steps = cache_->steps(index);
  return sample;
}

Sample FileDataset::read(const fs::path& file) const {
  const auto stored = load_image(file);
  auto prepared = prepare(files_.prepare, stored, {}, input().channels, file);
  return {prepared.image, {}, prepared.geometry, image_stem(file), {}};
}

std::string FileDataset::preparation_key() const {
  OptionTable shaping;
  for (const auto& [name, value] : options_.entries)
    if (name != "split" && name != "on_error" && name != "prepared") shaping.set(name, value);
  std::vector<std::string> ids;
  for (const auto& item : cases_) ids.push_back(item.id());
  return fingerprint_of(shaping, files_.root, all_files(), ids);
}

fs::path FileDataset::cache_folder(const fs::path& prepared) const {
  return prepared / preparation_key();
}

const PreparedCache& FileDataset::use_prepared() {
  const auto folder = cache_folder(files_.prepared);
  try {
    cache_ = std::make_shared<const PreparedCache>(folder);
  } catch (const DataError& error) {
    throw DataError(std::string(error.what()) +
                    "; run covector data prepare with these options and OUT = " + files_.prepared);
  }
  return *cache_;
}

std::vector<fs::path> FileDataset::all_files() const {
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    const bool next_slice = cases_[i].slice >= 0 && i > 0 && cases_[i - 1].image == cases_[i].image;
    if (next_slice) continue;  // of a volume that is counted already
    files.push_back(cases_[i].image);
    files.insert(files.end(), cases_[i].masks.begin(), cases_[i].masks.end());
  }
  const auto more = tables();
  files.insert(files.end(), more.begin(), more.end());
  return files;
}

std::string FileDataset::fingerprint() const {
  std::vector<std::string> notes;
  for (const auto& part : parts_) notes.push_back(part ? std::string(to_string(*part)) : "none");
  auto portable = options_;
  // Where a cache lies makes no difference; that there is one does, by half a step of what it
  // keeps.
  if (cache_) portable.set("prepared", "yes");
  return fingerprint_of(portable, files_.root, all_files(), notes);
}

}  // namespace covector::datasets
