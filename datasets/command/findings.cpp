#include "findings.h"

#include <algorithm>
#include <sstream>

namespace covector::data_command {
namespace {

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::string number_text(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

// The most frequent ones first.
std::vector<std::pair<std::string, std::int64_t>> ranked(const Tally& tally) {
  std::vector<std::pair<std::string, std::int64_t>> rows(tally.begin(), tally.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return rows;
}

// "512 x 512 (120), 384 x 512 (3) and 12 more".
std::string summary(const Tally& tally) {
  constexpr std::size_t kShown = 4;
  const auto rows = ranked(tally);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < std::min(kShown, rows.size()); ++i)
    words.push_back(rows[i].first +
                    (rows.size() == 1 ? "" : " (" + std::to_string(rows[i].second) + ")"));
  return joined(words, ", ") +
         (rows.size() > kShown ? " and " + std::to_string(rows.size() - kShown) + " more" : "");
}

std::string plural(std::size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

// The first few of a list that may be long; the JSON has all.
void write_list(std::ostringstream& out, const std::string& title,
                const std::vector<std::string>& items) {
  constexpr std::size_t kShown = 20;
  if (items.empty()) return;
  out << "\n" << title << "\n";
  for (std::size_t i = 0; i < std::min(kShown, items.size()); ++i) out << "  " << items[i] << "\n";
  if (items.size() > kShown)
    out << "  and " << items.size() - kShown << " more, which --json lists\n";
}

void write_row(std::ostringstream& out, const std::string& name, const std::string& text) {
  if (text.empty()) return;
  const auto width = std::max<std::size_t>(16, name.size() + 2);
  out << "  " << name << std::string(width - name.size(), ' ') << text << "\n";
}

void write_parts(std::ostringstream& out, const Findings& findings) {
  for (const auto& [name, part] : findings.parts) {
    std::string text = plural(static_cast<std::size_t>(part.images), "image");
    if (part.patients > 0)
      text += ", " + plural(static_cast<std::size_t>(part.patients), "patient");
    for (const auto& [label, count] : part.classes)
      text += ", " + std::to_string(count) + " " + label;
    write_row(out, name, text);
  }
}

void write_classes(std::ostringstream& out, const Findings& findings) {
  if (findings.voxels.empty()) return;
  out << "\nclasses of the labels\n";
  for (std::size_t i = 0; i < findings.voxels.size(); ++i)
    write_row(out, findings.classes[i],
              std::to_string(findings.voxels[i]) + " voxels in " +
                  plural(static_cast<std::size_t>(findings.images_with[i]), "image"));
}

std::vector<std::string> unreadable_lines(const Findings& findings) {
  std::vector<std::string> lines;
  for (const auto& [image, what] : findings.unreadable) lines.push_back(what);
  return lines;
}

}  // namespace

bool Findings::usable() const {
  const bool stopped = !skips && (!listing.problems.empty() || !unreadable.empty());
  return readable > 0 && !stopped && split_problem.empty() && cache_problem.empty();
}

std::vector<std::string> Findings::warnings() const {
  std::vector<std::string> list;
  for (const auto& count : listing.counts)
    if (count.official != count.found)
      list.push_back(count.what + ": " + std::to_string(count.found) + " found, the set has " +
                     std::to_string(count.official));
  for (const auto& group : duplicates) list.push_back("the same pixels: " + joined(group, ", "));
  for (const auto& image : constant) list.push_back(image + ": has the same value everywhere");
  for (const auto& [patient, in] : shared_patients)
    list.push_back("patient " + patient + " is in " + joined(in, " and "));
  for (std::size_t i = 0; i < voxels.size(); ++i)
    if (voxels[i] == 0) list.push_back("no label has the class '" + classes[i] + "'");
  return list;
}

Json to_json(const Findings& f) {
  Json json;
  json["set"] = f.type;
  json["root"] = f.root;
  json["usable"] = f.usable();
  json["layout"] = f.listing.layout;
  json["images"] = f.listing.cases.size();
  json["readable"] = f.readable;
  json["counts"] = Json::array();
  for (const auto& count : f.listing.counts)
    json["counts"].push_back(
        {{"what", count.what}, {"official", count.official}, {"found", count.found}});
  json["problems"] = f.listing.problems;
  json["notes"] = f.listing.notes;
  json["unreadable"] = Json::array();
  for (const auto& [image, what] : f.unreadable)
    json["unreadable"].push_back({{"image", image}, {"reason", what}});
  json["sizes"] = f.sizes;
  json["spacings_mm"] = f.spacings_mm;
  json["orientations"] = f.orientations;
  json["stored_types"] = f.stored_types;
  json["formats"] = f.formats;
  if (f.intensity) json["intensity"] = {f.intensity->first, f.intensity->second};
  json["labels"] = Json::array();
  for (std::size_t i = 0; i < f.voxels.size(); ++i)
    json["labels"].push_back(
        {{"class", f.classes[i]}, {"voxels", f.voxels[i]}, {"images", f.images_with[i]}});
  json["constant"] = f.constant;
  json["duplicates"] = f.duplicates;
  json["patients"] = f.patients;
  json["splits"] = Json::object();
  for (const auto& [name, part] : f.parts)
    json["splits"][name] = {
        {"images", part.images}, {"patients", part.patients}, {"classes", part.classes}};
  json["shared_patients"] = f.shared_patients;
  json["split_problem"] = f.split_problem.empty() ? Json(nullptr) : Json(f.split_problem);
  if (f.verified || !f.cache_problem.empty())
    json["prepared"] = {
        {"verified", f.verified.value_or(0)},
        {"problem", f.cache_problem.empty() ? Json(nullptr) : Json(f.cache_problem)}};
  json["warnings"] = f.warnings();
  return json;
}

std::string to_text(const Findings& f) {
  std::ostringstream out;
  out << f.type << "  " << f.root << "\n";
  write_row(out, "layout", f.listing.layout);
  write_row(out, "images",
            std::to_string(f.listing.cases.size()) + ", of which " + std::to_string(f.readable) +
                " can be used");
  for (const auto& count : f.listing.counts)
    write_row(out, count.what,
              std::to_string(count.found) + " of " + std::to_string(count.official));
  write_row(out, "format", summary(f.formats));
  write_row(out, "size", summary(f.sizes));
  write_row(out, "spacing (mm)", summary(f.spacings_mm));
  write_row(out, "orientation", summary(f.orientations));
  write_row(out, "stored type", summary(f.stored_types));
  if (f.intensity)
    write_row(out, "values",
              number_text(f.intensity->first) + " to " + number_text(f.intensity->second));
  write_row(out, "patients", f.patients > 0 ? std::to_string(f.patients) : "not known");
  write_classes(out, f);
  out << "\nsplits\n";
  write_parts(out, f);
  if (f.verified) out << "\nprepared\n  " << *f.verified << " images, checksums right\n";

  auto stops = f.listing.problems;
  const auto unreadable = unreadable_lines(f);
  stops.insert(stops.end(), unreadable.begin(), unreadable.end());
  write_list(out, f.skips ? "left out (on_error = \"skip\")" : "problems", stops);
  std::vector<std::string> others;
  for (const auto& problem : {f.split_problem, f.cache_problem})
    if (!problem.empty()) others.push_back(problem);
  write_list(out, "problems of the set as a whole", others);
  write_list(out, "notes", f.listing.notes);
  write_list(out, "warnings", f.warnings());
  out << "\n" << (f.usable() ? "The set can be used." : "The set cannot be used as it is.") << "\n";
  return out.str();
}

}  // namespace covector::data_command
