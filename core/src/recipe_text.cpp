#include "recipe.h"

#include <algorithm>
#include <map>

namespace covector {
namespace {

/// The value with every ${ written as $${, so that reading it back changes nothing.
OptionValue escaped(OptionValue value) {
  if (auto* text = std::get_if<std::string>(&value.data)) {
    for (auto at = text->find("${"); at != std::string::npos; at = text->find("${", at + 3))
      text->insert(at, "$");
  } else if (auto* array = std::get_if<OptionArray>(&value.data)) {
    for (auto& element : *array) element = escaped(std::move(element));
  } else if (auto* table = std::get_if<OptionTable>(&value.data)) {
    for (auto& entry : table->entries) entry.second = escaped(std::move(entry.second));
  }
  return value;
}

class Document {
 public:
  explicit Document(bool provenance) : provenance_(provenance) {}

  void table(const OptionTable& table, const std::string& path) {
    for (const auto& [key, value] : table.entries)
      if (!value.as_table()) line(key, value);
    for (const auto& [key, value] : table.entries) {
      const auto* inner = value.as_table();
      if (!inner) continue;
      const auto name = path + (path.empty() ? "" : ".") + to_toml_key(key);
      const auto has_plain = std::any_of(inner->entries.begin(), inner->entries.end(),
                                         [](const auto& e) { return !e.second.as_table(); });
      if (has_plain || inner->entries.empty()) text += (text.empty() ? "[" : "\n[") + name + "]\n";
      this->table(*inner, name);
    }
  }

  std::string text;

 private:
  static constexpr std::size_t kWidth = 100;  // longer arrays get a line an element
  static constexpr std::size_t kCommentColumn = 44;

  void line(const std::string& key, const OptionValue& value) {
    const auto shown = escaped(value);
    auto row = to_toml_key(key) + " = " + to_toml(shown);
    if (const auto* array = shown.as_array(); array && row.size() > kWidth) {
      text += to_toml_key(key) + " = [\n";
      for (const auto& element : *array) text += "  " + to_toml(element) + ",\n";
      row = "]";
    }
    text += row;
    if (provenance_) text += comment(row.size(), value.where);
    text += '\n';
  }
  static std::string comment(std::size_t column, const SourceLocation& where) {
    auto place = to_string(where);
    std::replace_if(
        place.begin(), place.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return std::string(column < kCommentColumn ? kCommentColumn - column : 2, ' ') + "# " + place;
  }

  bool provenance_;
};

void flatten_into(std::vector<FlatOption>& out, const OptionTable& table, const std::string& path) {
  for (const auto& [key, value] : table.entries) {
    const auto name = path + (path.empty() ? "" : ".") + to_toml_key(key);
    const auto* inner = value.as_table();
    if (inner && !inner->entries.empty())
      flatten_into(out, *inner, name);
    else
      out.push_back({name, &value});
  }
}

}  // namespace

std::string to_toml_document(const OptionTable& table, bool provenance) {
  Document document(provenance);
  document.table(table, "");
  return std::move(document.text);
}

std::vector<FlatOption> flatten(const OptionTable& table) {
  std::vector<FlatOption> out;
  flatten_into(out, table, "");
  return out;
}

std::vector<Difference> diff(const OptionTable& first, const OptionTable& second) {
  std::map<std::string, std::string> other;
  for (const auto& option : flatten(second)) other[option.key] = to_toml(*option.value);
  std::vector<Difference> out;
  for (const auto& option : flatten(first)) {
    const auto text = to_toml(*option.value);
    const auto match = other.extract(option.key);
    if (match.empty())
      out.push_back({option.key, text, ""});
    else if (match.mapped() != text)
      out.push_back({option.key, text, match.mapped()});
  }
  for (const auto& [key, text] : other) out.push_back({key, "", text});
  return out;
}

}  // namespace covector
