#include "covector/datasets/label_table.h"

#include "covector/datasets/csv.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace covector::datasets {
namespace {

struct TableRow {
  std::int64_t value;
  std::string name;
};

std::vector<TableRow> rows_of(const std::filesystem::path& path) {
  const CsvTable table(path);
  const auto value_column = table.column("value");
  const auto name_column = table.column("name");
  std::vector<TableRow> rows;
  for (const auto& row : table.rows()) {
    const auto& text = row.cells[value_column];
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0)
      throw DataError(table.where(row) + ": '" + text + "' is no label value (0, 1, 2, ...)");
    rows.push_back({value, row.cells[name_column]});
  }
  return rows;
}

std::string plain(double value) {
  auto text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string size_text(const Image& image) {
  std::string text;
  for (const auto side : image.size()) text += (text.empty() ? "" : "x") + std::to_string(side);
  return text;
}

}  // namespace

void LabelGroup::describe(Schema<LabelGroup>& schema) {
  schema.summary("One class made of several stored values.");
  schema.field("name", &LabelGroup::name).doc("name of the class");
  schema.field("values", &LabelGroup::values)
      .doc("stored values that belong to it")
      .at_least(std::int64_t{0});
  schema.field("structures", &LabelGroup::structures)
      .doc("names in the table whose values belong to it");
  schema.rule([](const LabelGroup& group) {
    if (group.name.empty()) return std::string("a group needs a name");
    if (group.values.empty() && group.structures.empty())
      return "group '" + group.name + "' needs values or structures";
    return std::string();
  });
}

void LabelOptions::describe(Schema<LabelOptions>& schema) {
  schema.summary("Which stored values of a mask make which class.");
  schema.field("table", &LabelOptions::table)
      .doc(
          "CSV file with the columns value and name; rows of one name make one class. A relative "
          "path starts at root");
  schema.field("groups", &LabelOptions::groups)
      .doc(
          "classes in order, background left out: [{ name = \"lung\", values = [10, 11] }]; where "
          "a table is given, structures = [names] of it too");
  schema.field("unlisted", &LabelOptions::unlisted)
      .doc("what a stored value that belongs to no class is: an \"error\", or \"background\"")
      .one_of({"error", "background"});
  schema.rule([](const LabelOptions& labels) {
    if (!labels.table.empty()) return std::string();
    for (const auto& group : labels.groups)
      if (!group.structures.empty())
        return "group '" + group.name + "' names structures, so table = \"...\" is needed";
    return std::string();
  });
}

LabelTable::LabelTable(const LabelOptions& options, const std::filesystem::path& root)
    : unlisted_is_background_(options.unlisted == "background") {
  if (!options.given()) return;
  const auto path = root / options.table;
  const auto rows = options.table.empty() ? std::vector<TableRow>{} : rows_of(path);
  // The name of value 0, wherever it stands in the table, is the background's.
  const auto zero =
      std::find_if(rows.begin(), rows.end(), [](const TableRow& row) { return row.value == 0; });
  const bool named = options.groups.empty() && zero != rows.end();
  add(0, named ? zero->name : "background");
  for (const auto& group : options.groups) {
    for (const auto value : group.values) add(value, group.name);
    for (const auto& structure : group.structures) {
      bool found = false;
      for (const auto& row : rows)
        if (row.name == structure) {
          add(row.value, group.name);
          found = true;
        }
      if (!found)
        throw DataError(path.string() + ": no structure '" + structure + "' for the class '" +
                        group.name + "'; look at its column name");
    }
  }
  if (options.groups.empty())
    for (const auto& row : rows)
      if (row.value != 0) add(row.value, row.name);
}

LabelTable::LabelTable(const std::vector<LabelGroup>& groups)
    : LabelTable({"", groups, "error"}, {}) {
  fixed_ = true;
}

void LabelTable::add(std::int64_t value, const std::string& name) {
  if (class_of_.count(value))
    throw DataError("labels: value " + std::to_string(value) + " is given to '" +
                    classes_[class_of_[value]] + "' and to '" + name + "'; list it once");
  auto hit = std::find(classes_.begin(), classes_.end(), name);
  if (hit == classes_.end()) {
    if (classes_.size() == 256) throw DataError("labels: more than 255 classes beside background");
    hit = classes_.insert(classes_.end(), name);
  }
  class_of_[value] = static_cast<std::uint8_t>(hit - classes_.begin());
}

at::Tensor LabelTable::classes_of(const at::Tensor& stored,
                                  const std::filesystem::path& path) const {
  constexpr std::int64_t kLargest = 65535;
  std::vector<std::int16_t> lookup(kLargest + 1, unlisted_is_background_ ? 0 : -1);
  for (const auto& [value, index] : class_of_)
    if (value <= kLargest) lookup[static_cast<std::size_t>(value)] = index;
  const auto refuse = [&](double value) {
    std::string known;
    for (const auto& item : class_of_)
      known += (known.empty() ? "" : ", ") + std::to_string(item.first);
    throw DataError(path.string() + ": label value " + plain(value) +
                    " is not among those listed (" + known + "); " +
                    (fixed_ ? "it is no label of this set: fetch the file again, or take it out"
                            : "complete the label table, or set labels.unlisted = \"background\""));
  };
  const auto values = stored.to(torch::kFloat).contiguous();  // exact up to 2^24
  auto classes = torch::empty(stored.sizes(), torch::kUInt8);
  const auto* from = values.const_data_ptr<float>();
  auto* to = classes.data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const auto value = static_cast<double>(from[i]);
    if (!(value >= 0 && value <= kLargest)) refuse(value);
    const auto index = static_cast<std::size_t>(value);
    if (static_cast<double>(index) != value || lookup[index] < 0) refuse(value);
    to[i] = static_cast<std::uint8_t>(lookup[index]);
  }
  return classes;
}

Image read_mask(const std::filesystem::path& path) {
  auto mask = read_image(path, Palette::indices);
  auto pixels = mask.pixels;
  if (pixels.size(0) == 2 || pixels.size(0) == 4) pixels = pixels.slice(0, 0, pixels.size(0) - 1);
  for (std::int64_t channel = 1; channel < pixels.size(0); ++channel)
    if (!torch::equal(pixels[0], pixels[channel]))
      throw DataError(path.string() +
                      ": is a colour picture, not a mask; its channels differ. Store label values");
  mask.pixels = pixels.slice(0, 0, 1);
  return mask;
}

void check_mask_fits(const Image& mask, const std::filesystem::path& mask_path, const Image& image,
                     const std::filesystem::path& image_path) {
  if (mask.size() != image.size())
    throw DataError(mask_path.string() + ": mask is " + size_text(mask) + ", but its image " +
                    image_path.string() + " is " + size_text(image) +
                    "; they must be on the same grid");
  const auto& spacing = image.geometry.spacing_mm;
  if (spacing.empty() || mask.geometry.spacing_mm.empty()) return;
  const double allowed = 0.5 * *std::min_element(spacing.begin(), spacing.end());
  std::vector<double> last;
  for (const auto side : image.size()) last.push_back(static_cast<double>(side - 1));
  for (const auto& corner : {std::vector<double>(last.size(), 0.0), last}) {
    const auto a = position_of(mask.geometry, corner);
    const auto b = position_of(image.geometry, corner);
    double squared = 0;
    for (std::size_t i = 0; i < a.size(); ++i) squared += (a[i] - b[i]) * (a[i] - b[i]);
    if (std::sqrt(squared) > allowed)
      throw DataError(mask_path.string() + ": mask lies " + plain(std::sqrt(squared)) +
                      " mm away from its image " + image_path.string() +
                      "; resample it onto the image's grid");
  }
}

at::Tensor LabelTable::read(const std::filesystem::path& mask, const Image& image,
                            const std::filesystem::path& image_path) const {
  const auto stored = as_dimensions(read_mask(mask), image.dimensions(), mask);
  check_mask_fits(stored, mask, image, image_path);
  return classes_of(stored.pixels, mask);
}

}  // namespace covector::datasets
