#pragma once

#include "covector/datasets/file_dataset.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace covector::data_command {

/// What is kept of an image once it was read.
struct ImageFacts {
  std::string size;  // "512 x 512", (D x) H x W
  std::string spacing_mm;
  std::string orientation;
  std::string stored_type;
  std::string format;
  double minimum = 0;
  double maximum = 0;
  std::uint64_t checksum = 0;        // of the pixels
  std::vector<std::int64_t> voxels;  // of each class
};

/// How often each value was seen.
using Tally = std::map<std::string, std::int64_t>;

/// Images and patients of one part.
struct PartFacts {
  std::int64_t images = 0;
  std::int64_t patients = 0;
  Tally classes;
};

/// All that `covector data check` says of a set.
struct Findings {
  std::string type;
  std::string root;
  datasets::Listing listing;
  std::vector<std::pair<std::string, std::string>> unreadable;  // image, what is wrong with it
  std::int64_t readable = 0;

  Tally sizes, spacings_mm, orientations, stored_types, formats;
  std::optional<std::pair<double, double>> intensity;
  std::vector<std::string> constant;  // images without contrast
  std::vector<std::string> classes;   // of the labels
  std::vector<std::int64_t> voxels;   // a class
  std::vector<std::int64_t> images_with;
  std::vector<std::vector<std::string>> duplicates;

  std::map<std::string, PartFacts> parts;  // "train", ..., "unused"
  std::int64_t patients = 0;
  std::map<std::string, std::vector<std::string>> shared_patients;  // with the parts they are in
  std::string split_problem;

  std::optional<std::int64_t> verified;  // images of the prepared cache
  std::string cache_problem;

  bool skips = false;  // on_error = "skip"
  bool usable() const;
  /// What does not stop training and should be known.
  std::vector<std::string> warnings() const;
};

nlohmann::ordered_json to_json(const Findings& findings);
std::string to_text(const Findings& findings);

}  // namespace covector::data_command
