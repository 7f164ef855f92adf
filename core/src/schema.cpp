#include "covector/core/schema.h"

namespace covector {

void Problems::add(const std::string& section, const SourceLocation& where,
                   const std::string& what) {
  Found found{section, to_string(where) + ": " + what};
  if (std::find(found_.begin(), found_.end(), found) == found_.end())
    found_.push_back(std::move(found));
}

std::string Problems::text() const {
  std::vector<std::string> sections;
  for (const auto& found : found_)
    if (std::find(sections.begin(), sections.end(), found.section) == sections.end())
      sections.push_back(found.section);
  std::string text;
  for (const auto& section : sections) {
    text += (text.empty() ? "" : "\n") +
            (section.empty() ? std::string("the recipe") : "[" + section + "]") + " is not valid:";
    for (const auto& found : found_)
      if (found.section == section) text += "\n  " + found.line;
  }
  return text;
}

void Problems::raise() const {
  if (!empty()) throw RecipeError(text());
}

}  // namespace covector
