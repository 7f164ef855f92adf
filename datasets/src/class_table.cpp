#include "covector/datasets/class_table.h"

#include "covector/core/error.h"
#include "covector/core/suggest.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/image.h"
#include "covector/datasets/image_index.h"

#include <algorithm>
#include <set>

namespace covector::datasets {
namespace {

std::string stem_below(const std::filesystem::path& path, const std::filesystem::path& root) {
  const auto relative = path.lexically_relative(root);
  return (relative.parent_path() / image_stem(relative)).generic_string();
}

}  // namespace

void ClassOptions::describe(Schema<ClassOptions>& schema) {
  schema.summary("Which class each image as a whole belongs to.");
  schema.field("names", &ClassOptions::names)
      .doc(
          "names of the classes, numbered from 0 in this order; of two, the second is the one that "
          "is looked for (\"positive\"); empty: images have no class")
      .require(
          [](const std::vector<std::string>& names) {
            const std::set<std::string> different(names.begin(), names.end());
            return names.size() != 1 && different.size() == names.size() && !different.count("");
          },
          "two names or more, all different and none empty");
  schema.field("by", &ClassOptions::by)
      .doc(
          "\"folders\": the image lies below a folder that is named as its class, at any depth; "
          "\"table\": read from table")
      .one_of({"folders", "table"});
  schema.field("table", &ClassOptions::table)
      .doc("CSV file with a row for every image; a relative path starts at root");
  schema.field("file_column", &ClassOptions::file_column)
      .doc(
          "column that names the image: its path below root or below the image folder, or its "
          "name");
  schema.field("label_column", &ClassOptions::label_column)
      .doc("column with the name of the class");
  schema.field("patient_column", &ClassOptions::patient_column)
      .doc("column that names the patient; empty: none does");
  schema.rule([](const ClassOptions& options) {
    if (options.by == "table" && options.table.empty())
      return std::string("by = \"table\" needs table = \"...\"");
    if (options.by == "folders" && (!options.table.empty() || !options.patient_column.empty()))
      return std::string("table and patient_column belong to by = \"table\"");
    if (!options.given() && options.by == "table")
      return std::string("needs names = [\"...\", \"...\"], the classes in order");
    return std::string();
  });
}

ClassTable::ClassTable(const ClassOptions& options, const std::filesystem::path& root,
                       std::vector<ClassedImage> images)
    : options_(options), root_(root), images_(std::move(images)), rows_(images_.size()) {
  if (options_.by == "table") read_table(root_ / options_.table);
}

void ClassTable::read_table(const std::filesystem::path& path) {
  const CsvTable table(path);
  const auto file = table.column(options_.file_column);
  const auto label = table.column(options_.label_column);
  const bool has_patients = !options_.patient_column.empty();
  const auto patient = has_patients ? table.column(options_.patient_column) : 0;
  std::vector<std::string> stems;
  for (const auto& image : images_) stems.push_back(image.stem);
  ImageIndex index(std::move(stems));
  for (std::size_t i = 0; i < images_.size(); ++i) index.add(stem_below(images_[i].path, root_), i);

  for (const auto& row : table.rows()) {
    const auto where = table.where(row);
    const auto number = number_of(row.cells[label]);
    if (!number)
      throw DataError(where + ": label '" + row.cells[label] + "' is no class (" + names() + ")" +
                      did_you_mean(row.cells[label], options_.names) +
                      "; correct it, or complete classes.names");
    if (has_patients && row.cells[patient].empty())
      throw DataError(where + ": has no " + options_.patient_column +
                      "; every image needs a patient");
    auto& known = rows_[index.find(row.cells[file], where)];
    if (known)
      throw DataError(where + ": '" + row.cells[file] + "' has a row already, " + known->where +
                      "; keep one of them");
    known = Row{*number, has_patients ? row.cells[patient] : std::string(), where};
  }
}

std::optional<std::int64_t> ClassTable::number_of(const std::string& name) const {
  const auto hit = std::find(options_.names.begin(), options_.names.end(), name);
  if (hit == options_.names.end()) return std::nullopt;
  return hit - options_.names.begin();
}

std::string ClassTable::names() const {
  std::string text;
  for (const auto& name : options_.names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::int64_t ClassTable::class_of(std::size_t image) const {
  const auto& path = images_.at(image).path;
  if (options_.by == "table") {
    if (!rows_[image])
      throw DataError((root_ / options_.table).string() + ": has no row for " + path.string() +
                      "; every image needs a class");
    return rows_[image]->label;
  }
  std::optional<std::int64_t> found;
  for (const auto& part : path.lexically_relative(root_).parent_path()) {
    const auto number = number_of(part.string());
    if (number && found && *found != *number)
      throw DataError(path.string() + ": lies below folders of two classes, " +
                      options_.names[static_cast<std::size_t>(*found)] + " and " + part.string());
    if (number) found = number;
  }
  if (!found)
    throw DataError(path.string() + ": lies below no folder that is named as a class (" + names() +
                    ")");
  return *found;
}

std::string ClassTable::patient_of(std::size_t image) const {
  return rows_.at(image) ? rows_[image]->patient : std::string();
}

}  // namespace covector::datasets
