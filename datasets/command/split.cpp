#include "split.h"

#include "covector/core/error.h"

#include <nlohmann/json.hpp>

#include <array>
#include <fstream>
#include <map>
#include <system_error>

namespace covector::data_command {
namespace {

namespace fs = std::filesystem;
using datasets::FileDataset;
using Json = nlohmann::ordered_json;

constexpr std::array kParts{Split::train, Split::validation, Split::test};

std::string below(const FileDataset& set, const fs::path& file) {
  return fs::absolute(file).lexically_relative(fs::absolute(set.files().root)).generic_string();
}

Json monai_entry(const FileDataset& set, std::int64_t index) {
  const auto& item = set.at(index);
  Json entry{{"image", below(set, item.image)}};
  std::vector<std::string> masks;
  for (const auto& mask : item.masks) masks.push_back(below(set, mask));
  if (masks.size() == 1)
    entry["label"] = masks[0];
  else if (!masks.empty())
    entry["label"] = masks;
  else if (item.image_class)
    entry["label"] = *item.image_class;
  if (item.slice >= 0) {  // the image alone does not say which
    entry["slice"] = item.slice;
    entry["id"] = item.stem;
  }
  return entry;
}

std::string monai_datalist(const FileDataset& set) {
  constexpr std::array kNames{"training", "validation", "test"};
  Json json;
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    auto& list = json[kNames[part]] = Json::array();
    for (const auto index : set.indices(kParts[part])) list.push_back(monai_entry(set, index));
  }
  return json.dump(2) + "\n";
}

std::string last_part(const std::string& stem) {
  return stem.substr(stem.rfind('/') + 1);
}

// nnU-Net knows a case by its file name without the channel, where that is enough.
std::vector<std::string> nnunet_names(const FileDataset& set) {
  std::map<std::string, int> seen;
  for (std::int64_t i = 0; i < set.size(); ++i) ++seen[last_part(set.at(i).stem)];
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    auto name = set.at(i).stem;
    if (seen[last_part(name)] == 1) name = last_part(name);
    if (name.ends_with("_0000")) name.resize(name.size() - 5);
    names.push_back(std::move(name));
  }
  return names;
}

std::string nnunet_folds(const FileDataset& set) {
  const auto all = nnunet_names(set);
  const auto names = [&](Split part) {
    auto list = Json::array();
    for (const auto index : set.indices(part)) list.push_back(all[static_cast<std::size_t>(index)]);
    return list;
  };
  return Json::array({{{"train", names(Split::train)}, {"val", names(Split::validation)}}})
             .dump(2) +
         "\n";
}

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_table(const FileDataset& set) {
  std::string text = "id,split,patient\n";
  for (std::int64_t i = 0; i < set.size(); ++i)
    if (const auto part = set.split_of(i))
      text += quoted(set.at(i).stem) + "," + std::string(to_string(*part)) + "," +
              quoted(set.patient(i)) + "\n";
  return text;
}

}  // namespace

void write_splits(const FileDataset& set, const fs::path& folder) {
  const std::pair<const char*, std::string> files[] = {{"datalist.json", monai_datalist(set)},
                                                       {"splits_final.json", nnunet_folds(set)},
                                                       {"splits.csv", csv_table(set)}};
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error("cannot make the folder " + folder.string() + ": " + error.message());
  for (const auto& [name, text] : files)
    if (fs::exists(folder / name))
      throw Error((folder / name).string() +
                  ": is there already, and a split that was used is not replaced; choose another "
                  "folder");
  for (const auto& [name, text] : files) {
    std::ofstream file(folder / name, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw Error("cannot write " + (folder / name).string());
  }
}

}  // namespace covector::data_command
