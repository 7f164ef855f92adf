#include "covector/datasets/splits.h"

#include "covector/datasets/csv.h"

#include "covector/core/error.h"
#include "covector/core/random.h"
#include "covector/datasets/image_index.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

namespace covector::datasets {
namespace {

using Json = nlohmann::json;

std::optional<Split> split_of_word(const std::string& word) {
  static const std::map<std::string, Split> kWords{
      {"train", Split::train},           {"training", Split::train},   {"val", Split::validation},
      {"validation", Split::validation}, {"valid", Split::validation}, {"test", Split::test},
      {"testing", Split::test}};
  const auto hit = kWords.find(word);
  return hit == kWords.end() ? std::nullopt : std::optional(hit->second);
}

std::vector<SplitEntry> from_csv(const std::filesystem::path& path) {
  const CsvTable table(path);
  const auto id = table.column("id");
  const auto split = table.column("split");
  std::vector<SplitEntry> entries;
  for (const auto& row : table.rows()) {
    const auto part = split_of_word(row.cells[split]);
    if (!part)
      throw DataError(table.where(row) + ": '" + row.cells[split] +
                      "' is no split; write train, validation or test");
    entries.push_back({row.cells[id], *part, table.where(row)});
  }
  return entries;
}

// A case is a string, or an object that names its image (a string, or a list for several channels).
std::string name_of(const Json& item, const std::string& where) {
  const auto* value = &item;
  const bool slice = item.is_object() && item.contains("slice") && item.contains("id");
  if (item.is_object() && item.contains("image")) value = &item["image"];
  if (slice) value = &item["id"];  // of several in the image; `covector data split` writes them so
  if (value->is_array() && !value->empty()) value = &(*value)[0];
  if (value->is_string()) return value->get<std::string>();
  throw DataError(where + ": a case must be a name, or an object with a string 'image'");
}

std::vector<SplitEntry> from_object(const Json& object, const std::string& where) {
  std::vector<SplitEntry> entries;
  for (const auto& [key, list] : object.items()) {
    const auto part = split_of_word(key);
    if (!part || !list.is_array()) continue;  // name, labels, modality and the like
    for (const auto& item : list)
      entries.push_back({name_of(item, where + ": " + key), *part, where + ": " + key});
  }
  if (entries.empty())
    throw DataError(where + ": names no cases; expected training, validation and test lists");
  return entries;
}

// Paths of nnssl start with the name of a variable, "$nnssl_raw/Dataset001/...".
std::string without_variable(const std::string& path) {
  return path.starts_with('$') ? path.substr(std::min(path.size(), path.find('/') + 1)) : path;
}

// nnssl's collection: datasets, of subjects, of sessions, of images, all of which train.
std::vector<SplitEntry> from_collection(const Json& collection, const std::string& where) {
  std::vector<SplitEntry> entries;
  try {
    for (const auto& dataset : collection.at("datasets"))
      for (const auto& [name, subject] : dataset.at("subjects").items())
        for (const auto& session : subject.at("sessions"))
          for (const auto& image : session.at("images"))
            entries.push_back({without_variable(image.at("image_path").get<std::string>()),
                               Split::train, where + ": subject " + name});
  } catch (const Json::exception& error) {
    throw DataError(where + ": is no pretrain_data.json of nnssl (" + error.what() + ")");
  }
  if (entries.empty()) throw DataError(where + ": names no images");
  return entries;
}

std::vector<SplitEntry> from_json(const std::filesystem::path& path, std::int64_t fold) {
  std::ifstream file(path);
  Json json;
  try {
    json = Json::parse(file);
  } catch (const Json::exception& error) {
    throw DataError(path.string() + ": is not valid JSON (" + error.what() + ")");
  }
  if (json.is_object() && json.contains("datasets")) return from_collection(json, path.string());
  if (json.is_object()) return from_object(json, path.string());
  if (!json.is_array())
    throw DataError(path.string() + ": expected an object of lists, or nnU-Net's list of folds");
  if (fold >= static_cast<std::int64_t>(json.size()))
    throw DataError(path.string() + ": has folds 0 to " + std::to_string(json.size() - 1) +
                    ", not " + std::to_string(fold) + "; set split.fold");
  return from_object(json[static_cast<std::size_t>(fold)],
                     path.string() + " fold " + std::to_string(fold));
}

std::ifstream opened(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path))
    throw DataError(path.string() + ": cannot be opened; check the path of the split file");
  return file;
}

}  // namespace

void SplitOptions::describe(Schema<SplitOptions>& schema) {
  schema.summary("Which images train, validate and test.");
  schema.field("by", &SplitOptions::by)
      .doc(
          "\"fractions\": drawn from seed, kept whole per patient, each class of images in the "
          "same "
          "shares; \"paper\": drawn so at the counts of the published comparison, parts that the "
          "source fixes as they are; \"auto\": the paper's where the set has one, else fractions; "
          "\"folders\": the parts that the source itself is in, such as sub-folders train, "
          "validation (or val), test; \"file\": read from file; \"lists\": one text file a part")
      .one_of({"auto", "fractions", "paper", "folders", "file", "lists"});
  schema.field("fractions", &SplitOptions::fractions)
      .doc("shares of train, validation and test; what is left over is used by none")
      .require(
          [](const std::vector<double>& f) {
            double sum = 0;
            for (const auto share : f) sum += share;
            return f.size() == 3 &&
                   std::all_of(f.begin(), f.end(), [](double s) { return s >= 0; }) && sum > 0 &&
                   sum <= 1 + 1e-9;
          },
          "three numbers from 0 that sum to at most 1");
  schema.field("seed", &SplitOptions::seed).doc("of the drawing").at_least(std::int64_t{0});
  schema.field("patients", &SplitOptions::patients)
      .doc(
          "\"whole\": a patient with images in two parts is an error; \"shared\": it is allowed, "
          "for sets that split the images of one patient on purpose")
      .one_of({"whole", "shared"});
  schema.field("file", &SplitOptions::file)
      .doc(
          "CSV with the columns id and split, MONAI datalist, Decathlon dataset.json, nnU-Net "
          "splits_final.json, or nnssl pretrain_data.json (all of it trains); a relative path "
          "starts "
          "at root");
  schema.field("fold", &SplitOptions::fold)
      .doc("which fold of splits_final.json")
      .at_least(std::int64_t{0});
  schema.field("train", &SplitOptions::train).doc("text file with one image a line");
  schema.field("validation", &SplitOptions::validation).doc("text file with one image a line");
  schema.field("test", &SplitOptions::test).doc("text file with one image a line");
  schema.rule([](const SplitOptions& split) {
    if (split.by == "file" && split.file.empty())
      return std::string("by = \"file\" needs file = \"...\"");
    if (split.by == "lists" && split.train.empty())
      return std::string("by = \"lists\" needs train = \"...\"");
    return std::string();
  });
}

namespace {

// Images that go to one part together.
struct Group {
  std::vector<std::size_t> images;
  std::set<std::int64_t> classes;  // that they belong to
};

// Patients in the order of their first image; an image without one gets a key no patient can have.
std::vector<Group> groups_of(const std::vector<std::string>& patients,
                             const std::vector<std::int64_t>& classes) {
  std::map<std::string, std::size_t> group_of;
  std::vector<Group> groups;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const auto key = patients[i].empty() ? std::string(1, '\0') + std::to_string(i) : patients[i];
    const auto [group, is_new] = group_of.emplace(key, groups.size());
    if (is_new) groups.emplace_back();
    groups[group->second].images.push_back(i);
    if (!classes.empty()) groups[group->second].classes.insert(classes[i]);
  }
  return groups;
}

// Images that each part still lacks; the last part is that which is not used.
using Lacking = std::array<double, 4>;
using Strata = std::map<std::set<std::int64_t>, Lacking>;

Lacking lacking_of(double total, const std::vector<double>& fractions) {
  const double used = fractions[0] + fractions[1] + fractions[2];
  Lacking lacking{fractions[0] * total, fractions[1] * total, fractions[2] * total,
                  std::max(0.0, 1 - used) * total};
  if (lacking[3] < 1e-6) lacking[3] = 0;
  return lacking;
}

std::vector<std::optional<Split>> drawn(const std::vector<Group>& groups, Strata lacking,
                                        std::size_t images, std::int64_t seed) {
  RandomStream random(static_cast<std::uint64_t>(seed), "split");
  std::vector<std::optional<Split>> out(images);
  constexpr std::array kParts{Split::train, Split::validation, Split::test};
  for (const auto g : random.permutation(static_cast<std::int64_t>(groups.size()))) {
    const auto& group = groups[static_cast<std::size_t>(g)];
    auto& parts = lacking.at(group.classes);
    const auto most = std::max_element(parts.begin(), parts.end());
    *most -= static_cast<double>(group.images.size());
    const auto part = static_cast<std::size_t>(most - parts.begin());
    if (part < kParts.size())
      for (const auto image : group.images) out[image] = kParts[part];
  }
  return out;
}

std::map<std::set<std::int64_t>, double> sizes_of(const std::vector<Group>& groups) {
  std::map<std::set<std::int64_t>, double> sizes;
  for (const auto& group : groups) sizes[group.classes] += static_cast<double>(group.images.size());
  return sizes;
}

// Rows added up: the shares of images that belong to several classes, or to none.
std::array<double, 3> summed(const SplitCounts& counts) {
  std::array<double, 3> sum{};
  for (const auto& row : counts)
    for (std::size_t part = 0; part < 3; ++part) sum[part] += static_cast<double>(row[part]);
  return sum;
}

}  // namespace

std::vector<std::optional<Split>> draw_split(const std::vector<std::string>& patients,
                                             const std::vector<double>& fractions,
                                             std::int64_t seed,
                                             const std::vector<std::int64_t>& classes) {
  const auto groups = groups_of(patients, classes);
  Strata lacking;
  for (const auto& [stratum, size] : sizes_of(groups))
    lacking[stratum] = lacking_of(size, fractions);
  return drawn(groups, lacking, patients.size(), seed);
}

std::vector<std::optional<Split>> draw_split(const std::vector<std::string>& patients,
                                             const SplitCounts& counts, std::int64_t seed,
                                             const std::vector<std::int64_t>& classes) {
  const bool by_class = counts.size() > 1;
  const auto groups = groups_of(patients, by_class ? classes : std::vector<std::int64_t>());
  Strata lacking;
  for (const auto& [stratum, size] : sizes_of(groups)) {
    const auto row = stratum.size() == 1
                         ? summed({counts.at(static_cast<std::size_t>(*stratum.begin()))})
                         : summed(counts);
    const double total = row[0] + row[1] + row[2];
    const double scale = total > 0 ? size / total : 0;
    lacking[stratum] = {row[0] * scale, row[1] * scale, row[2] * scale, 0};
  }
  return drawn(groups, lacking, patients.size(), seed);
}

std::vector<SplitEntry> read_split_file(const std::filesystem::path& path, std::int64_t fold) {
  opened(path);
  if (path.extension() == ".json") return from_json(path, fold);
  if (path.extension() == ".csv") return from_csv(path);
  throw DataError(path.string() + ": a split file ends with .csv or .json");
}

std::vector<SplitEntry> read_split_list(const std::filesystem::path& path, Split split) {
  auto file = opened(path);
  std::vector<SplitEntry> entries;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty())
      entries.push_back({line, split, path.string() + ":" + std::to_string(number)});
  }
  return entries;
}

std::vector<std::optional<Split>> match_split(const std::vector<SplitEntry>& entries,
                                              const std::vector<std::string>& stems) {
  const ImageIndex index(stems);
  std::vector<std::optional<Split>> out(stems.size());
  for (const auto& entry : entries) {
    auto& part = out[index.find(entry.name, entry.where)];
    if (part && *part != entry.split)
      throw DataError(entry.where + ": '" + entry.name + "' is in " +
                      std::string(to_string(*part)) + " and in " +
                      std::string(to_string(entry.split)) + "; an image belongs to one split");
    part = entry.split;
  }
  return out;
}

}  // namespace covector::datasets
