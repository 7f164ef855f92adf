#include "check.h"

#include "workers.h"

#include "covector/core/error.h"
#include "covector/datasets/fingerprint.h"
#include "covector/datasets/prepared_cache.h"

#include <torch/types.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <sstream>

namespace covector::data_command {
namespace {

using datasets::Case;
using datasets::FileDataset;
using datasets::Stored;

template <class Numbers>
std::string joined(const Numbers& numbers) {
  std::ostringstream text;
  const char* between = "";
  for (const auto number : numbers) {
    text << between << number;
    between = " x ";
  }
  return text.str();
}

std::vector<std::int64_t> voxels_of(const at::Tensor& label, std::int64_t classes) {
  const auto counts = label.flatten().to(torch::kInt64).bincount({}, classes);
  return {counts.const_data_ptr<std::int64_t>(),
          counts.const_data_ptr<std::int64_t>() + counts.numel()};
}

ImageFacts facts_of(const Stored& stored, std::int64_t classes) {
  const auto& image = stored.image;
  const auto pixels = image.pixels.contiguous();
  ImageFacts facts;
  facts.size = joined(image.size());
  if (pixels.size(0) > 1) facts.size += ", " + std::to_string(pixels.size(0)) + " channels";
  facts.spacing_mm =
      image.geometry.spacing_mm.empty() ? "not known" : joined(image.geometry.spacing_mm);
  facts.orientation = image.info.orientation;
  facts.stored_type = image.info.stored_type;
  facts.format = image.info.format;
  const auto values =
      pixels.to(torch::kFloat64);  // unsigned types of 16 bits and more have no min()
  facts.minimum = values.min().item<double>();
  facts.maximum = values.max().item<double>();
  facts.checksum =
      datasets::checksum_of(pixels.const_data_ptr(), static_cast<std::size_t>(pixels.nbytes()));
  if (stored.label) facts.voxels = voxels_of(*stored.label, classes);
  return facts;
}

// Adds up what is known of each image; images of the same pixels are found by size and checksum.
class Sums {
 public:
  explicit Sums(Findings& findings) : findings_(findings) {}

  void add(const Case& item, const ImageFacts& facts) {
    auto& f = findings_;
    ++f.readable;
    ++f.sizes[facts.size];
    ++f.spacings_mm[facts.spacing_mm];
    if (!facts.orientation.empty()) ++f.orientations[facts.orientation];
    ++f.stored_types[facts.stored_type];
    ++f.formats[facts.format];
    const auto range = f.intensity.value_or(std::pair(facts.minimum, facts.maximum));
    f.intensity = {std::min(range.first, facts.minimum), std::max(range.second, facts.maximum)};
    if (facts.minimum == facts.maximum)
      f.constant.push_back(item.stem);
    else
      alike_[{facts.size, facts.checksum}].push_back(item.stem);
    add_voxels(facts.voxels);
  }

  void finish() {
    for (auto& [pixels, stems] : alike_)
      if (stems.size() > 1) findings_.duplicates.push_back(stems);
    std::sort(findings_.duplicates.begin(), findings_.duplicates.end());
  }

 private:
  void add_voxels(const std::vector<std::int64_t>& voxels) {
    auto& f = findings_;
    f.voxels.resize(std::max(f.voxels.size(), voxels.size()));
    f.images_with.resize(f.voxels.size());
    for (std::size_t i = 0; i < voxels.size(); ++i) {
      f.voxels[i] += voxels[i];
      f.images_with[i] += voxels[i] > 0 ? 1 : 0;
    }
  }

  Findings& findings_;
  std::map<std::pair<std::string, std::uint64_t>, std::vector<std::string>> alike_;
};

// What is known of an image, or what stops training at it.
struct Outcome {
  std::optional<ImageFacts> facts;
  std::string problem;
};

std::vector<Outcome> read_all(const FileDataset& set, const std::vector<Case>& cases, int jobs) {
  const auto classes = static_cast<std::int64_t>(set.classes().size());
  std::vector<Outcome> outcomes(cases.size());
  Progress progress("checked", static_cast<std::int64_t>(cases.size()));
  for_each(static_cast<std::int64_t>(cases.size()), jobs, [&](std::int64_t index) {
    const auto& item = cases[static_cast<std::size_t>(index)];
    auto& outcome = outcomes[static_cast<std::size_t>(index)];
    try {
      const auto stored = set.load(item);
      set.sample_of(item, stored);  // what cannot be prepared stops training too
      outcome.facts = facts_of(stored, classes);
    } catch (const DataError& error) {
      outcome.problem = error.what();
    }
    progress.advance(1);
  });
  return outcomes;
}

std::string part_of(const FileDataset& set, std::int64_t index) {
  const auto part = set.split_of(index);
  return part ? std::string(to_string(*part)) : "unused";
}

void count_parts(const FileDataset& set, Findings& findings) {
  const auto names = set.image_classes();
  std::map<std::string, std::set<std::string>> parts_of;  // each patient
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const auto name = part_of(set, i);
    auto& part = findings.parts[name];
    ++part.images;
    if (const auto number = set.image_class(i))
      ++part.classes[names.at(static_cast<std::size_t>(*number))];
    const auto patient = set.patient(i);
    if (!patient.empty() && parts_of[patient].insert(name).second) ++part.patients;
  }
  findings.patients = static_cast<std::int64_t>(parts_of.size());
  for (const auto& [patient, parts] : parts_of) {
    auto used = parts;
    used.erase("unused");
    if (used.size() > 1) findings.shared_patients[patient] = {used.begin(), used.end()};
  }
}

void draw_splits(FileDataset& set, std::vector<Case> cases, Findings& findings) {
  try {
    set.use(std::move(cases));
  } catch (const DataError& error) {
    findings.split_problem = error.what();
  }
  if (set.has_splits()) count_parts(set, findings);
}

void verify_cache(FileDataset& set, int jobs, Findings& findings) {
  try {
    const auto& cache = set.use_prepared();
    for_each(cache.size(), jobs, [&](std::int64_t index) { cache.verify(index); });
    findings.verified = cache.size();
  } catch (const DataError& error) {
    findings.cache_problem = error.what();
  }
}

}  // namespace

Findings check(FileDataset& set, const std::string& type, int jobs) {
  Findings findings;
  findings.type = type;
  findings.root = set.files().root;
  findings.skips = set.files().on_error == "skip";
  findings.listing = set.list();
  findings.classes = set.classes();
  const auto& cases = findings.listing.cases;
  const auto outcomes = read_all(set, cases, jobs);
  Sums sums(findings);
  std::vector<Case> usable;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!outcomes[i].facts) {
      findings.unreadable.emplace_back(cases[i].stem, outcomes[i].problem);
      continue;
    }
    sums.add(cases[i], *outcomes[i].facts);
    usable.push_back(cases[i]);
  }
  sums.finish();
  if (usable.empty()) return findings;
  draw_splits(set, std::move(usable), findings);
  if (!set.files().prepared.empty()) verify_cache(set, jobs, findings);
  return findings;
}

}  // namespace covector::data_command
