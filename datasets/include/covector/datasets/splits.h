#pragma once

#include "covector/core/dataset.h"
#include "covector/core/schema.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector::datasets {

/// Which images train, validate and test; the sub-table `split` of a dataset.
struct COVECTOR_API SplitOptions {
  std::string by = "auto";
  std::vector<double> fractions{0.7, 0.1, 0.2};
  std::int64_t seed = 0;
  std::string patients = "whole";
  std::string file;
  std::int64_t fold = 0;
  std::string train, validation, test;

  static void describe(Schema<SplitOptions>& schema);
};

/// One name in a split file.
struct SplitEntry {
  std::string name;  // as written: a path, a file name or a case id
  Split split;
  std::string where;  // "splits.csv:12", for messages
};

/// Draws a split. Images of one patient stay together; images without a patient stand alone.
/// Patients are taken in an order drawn from the seed, each into the part that lacks most images of
/// its classes: patients with the same set of classes are split by themselves.
/// @param patients   one an image, empty where unknown
/// @param fractions  of train, validation, test; they sum to at most 1, and what is left is in no
/// part
/// @param classes    one an image, or empty where there are none
COVECTOR_API std::vector<std::optional<Split>> draw_split(
    const std::vector<std::string>& patients, const std::vector<double>& fractions,
    std::int64_t seed, const std::vector<std::int64_t>& classes = {});

/// Images of train, validation and test that a published comparison has: one row a class of images,
/// or one row where there are no classes.
using SplitCounts = std::vector<std::array<std::int64_t, 3>>;
/// As above with counts instead of shares. Where there are more or fewer images of a class than its
/// row sums to, each part gets its share of those there are; patients with images of several
/// classes are shared out as all images are.
COVECTOR_API std::vector<std::optional<Split>> draw_split(
    const std::vector<std::string>& patients, const SplitCounts& counts, std::int64_t seed,
    const std::vector<std::int64_t>& classes = {});

/// Reads a CSV with the columns id and split, a MONAI datalist or Medical Decathlon dataset.json
/// (training, validation, test), nnU-Net's splits_final.json (a list of folds, of which `fold` is
/// taken), nnssl's pretrain_data.json, or { "train": [...], "val": [...] }. Throws DataError.
COVECTOR_API std::vector<SplitEntry> read_split_file(const std::filesystem::path& path,
                                                     std::int64_t fold);
/// One name a line; empty lines are passed over. Throws DataError.
COVECTOR_API std::vector<SplitEntry> read_split_list(const std::filesystem::path& path,
                                                     Split split);

/// Looks each entry up among the images, as ImageIndex does. Images that no entry names are in no
/// part.
/// @param stems  of the images: paths relative to the image folder without extension
/// @throws DataError for a name that fits no image or several, and for an image in two parts
COVECTOR_API std::vector<std::optional<Split>> match_split(const std::vector<SplitEntry>& entries,
                                                           const std::vector<std::string>& stems);

}  // namespace covector::datasets
