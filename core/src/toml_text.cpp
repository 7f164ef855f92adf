// The only file that knows the TOML library.
#include "covector/core/schema.h"
#include "recipe.h"
#include "toml_value.h"

#include <toml++/toml.h>

#include <algorithm>

namespace covector {
namespace {

SourceLocation location_of(const toml::node& node) {
  const auto& region = node.source();
  return {region.path ? *region.path : "", region.begin.line, region.begin.column};
}

class Converter {
 public:
  OptionValue value(const toml::node& node, const std::string& section) {
    OptionValue out;
    if (const auto* table = node.as_table())
      out = this->table(*table, section);
    else if (const auto* array = node.as_array())
      out = this->array(*array, section);
    else if (const auto* boolean = node.as_boolean())
      out = boolean->get();
    else if (const auto* integer = node.as_integer())
      out = integer->get();
    else if (const auto* number = node.as_floating_point())
      out = number->get();
    else if (const auto* text = node.as_string())
      out = text->get();
    else
      problems.add(section, location_of(node),
                   "dates and times are not used in recipes; write a string");
    out.where = location_of(node);
    return out;
  }

  OptionTable table(const toml::table& source, const std::string& section) {
    OptionTable out;
    out.where = location_of(source);
    for (const auto& [name, node] : in_text_order(source)) {
      const auto inner = node->is_table() ? section + (section.empty() ? "" : ".") + name : section;
      out.entries.emplace_back(name, value(*node, inner));
    }
    return out;
  }

  Problems problems;

 private:
  // The library sorts by key; a reader expects the order of the file.
  static std::vector<std::pair<std::string, const toml::node*>> in_text_order(
      const toml::table& source) {
    std::vector<std::pair<std::string, const toml::node*>> items;
    for (const auto& [key, node] : source) items.emplace_back(key.str(), &node);
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
      const auto x = location_of(*a.second);
      const auto y = location_of(*b.second);
      return std::pair(x.line, x.column) < std::pair(y.line, y.column);
    });
    return items;
  }

  OptionArray array(const toml::array& source, const std::string& section) {
    OptionArray out;
    for (const auto& element : source) out.push_back(value(element, section));
    return out;
  }
};

}  // namespace

OptionTable parse_toml(std::string_view text, const std::string& file) {
  try {
    Converter converter;
    auto table = converter.table(toml::parse(text, file), "");
    converter.problems.raise();
    return table;
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    throw RecipeError(to_string(SourceLocation{file, at.line, at.column}) + ": " +
                      std::string(error.description()));
  }
}

std::optional<OptionValue> parse_toml_value(std::string_view text) {
  // As the one element of an array: a comment, a second value or a further line cannot pass.
  if (text.ends_with(',')) return std::nullopt;
  try {
    Converter converter;
    const auto array = converter.table(toml::parse("value = [" + std::string(text) + "]"), "");
    const auto& elements = std::get<OptionArray>(array.entries.at(0).second.data);
    if (array.entries.size() == 1 && elements.size() == 1 && converter.problems.empty())
      return elements.front();
  } catch (const toml::parse_error&) {
  }
  return std::nullopt;
}

}  // namespace covector
