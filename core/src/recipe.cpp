#include "recipe.h"

#include "covector/core/schema.h"
#include "toml_value.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace covector {
namespace fs = std::filesystem;
namespace {

std::string section_in(const std::string& section, const std::string& key) {
  return section.empty() ? key : section + "." + key;
}

const std::string* type_of(const OptionTable& table) {
  const auto* type = table.find("type");
  return type ? type->as_string() : nullptr;
}

}  // namespace

void merge(OptionTable& base, const OptionTable& over) {
  const auto* below = type_of(base);
  const auto* above = type_of(over);
  if (below && above && *below != *above) {
    base = over;
    return;
  }
  base.where = over.where;
  for (const auto& [key, value] : over.entries) {
    auto* present = base.find(key);
    if (present && present->as_table() && value.as_table()) {
      merge(std::get<OptionTable>(present->data), *value.as_table());
      present->where = value.where;
    } else {
      base.set(key, value);
    }
  }
}

namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return c == '_' || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
  };
  return !text.empty() && letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || ('0' <= c && c <= '9'); });
}

/// Replaces ${NAME} by the environment's value and $${ by ${.
class Environment {
 public:
  explicit Environment(Problems& problems) : problems_(problems) {}

  void expand(OptionValue& value, const std::string& section) {
    if (auto* table = std::get_if<OptionTable>(&value.data)) {
      expand(*table, section);
    } else if (auto* array = std::get_if<OptionArray>(&value.data)) {
      for (auto& element : *array) expand(element, section);
    } else if (auto* text = std::get_if<std::string>(&value.data)) {
      *text = expanded(*text, value.where, section);
    }
  }
  void expand(OptionTable& table, const std::string& section) {
    for (auto& [key, value] : table.entries)
      expand(value, value.as_table() ? section_in(section, key) : section);
  }

 private:
  std::string expanded(const std::string& text, const SourceLocation& where,
                       const std::string& section) {
    std::string out;
    std::size_t done = 0;
    for (auto at = text.find("${"); at != std::string::npos; at = text.find("${", done)) {
      if (at > done && text[at - 1] == '$') {
        out += text.substr(done, at - 1 - done) + "${";
        done = at + 2;
        continue;
      }
      out += text.substr(done, at - done);
      const auto end = text.find('}', at);
      const auto name = text.substr(at + 2, end == std::string::npos ? end : end - at - 2);
      if (end == std::string::npos || !is_name(name)) {
        problems_.add(section, where,
                      "'${" + name +
                          "' does not name an environment variable as ${NAME}; write "
                          "'$${' for the characters '${' themselves");
        return text;
      }
      if (const char* value = std::getenv(name.c_str()))
        out += value;
      else
        problems_.add(section, where,
                      "the environment variable '" + name +
                          "' is not set; set it, or give the "
                          "value itself");
      done = end + 1;
    }
    return out + text.substr(done);
  }

  Problems& problems_;
};

std::vector<std::string> recipes_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, none))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().filename().string());
  return names;
}

/// Empty when the file can be read, else what is wrong with it.
std::string unreadable(const fs::path& file) {
  if (fs::is_directory(file)) return "'" + file.string() + "' is a folder, not a recipe";
  if (fs::exists(file))
    return std::ifstream(file) ? "" : "the recipe '" + file.string() + "' cannot be read";
  return "there is no recipe '" + file.string() + "'" +
         did_you_mean(file.filename().string(), recipes_in(file.parent_path()));
}

/// Reads a file and what it extends.
class Reader {
 public:
  Reader(Problems& problems, std::vector<fs::path>& files) : problems_(problems), files_(files) {}

  OptionTable read(const fs::path& file) {
    if (std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
    std::ifstream stream(file);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    auto own = parse_toml(text, file.string());
    OptionTable merged;
    chain_.push_back(file);
    for (const auto& [base, where] : take_bases(own, file)) merge(merged, read_base(base, where));
    chain_.pop_back();
    merge(merged, own);
    return merged;
  }

 private:
  struct Base {
    fs::path file;
    SourceLocation where;
  };

  std::vector<Base> take_bases(OptionTable& table, const fs::path& file) {
    const auto entry = std::find_if(table.entries.begin(), table.entries.end(),
                                    [](const auto& item) { return item.first == "extends"; });
    if (entry == table.entries.end()) return {};
    auto value = std::move(entry->second);
    table.entries.erase(entry);
    Environment(problems_).expand(value, "");
    const auto elements = value.as_array() ? *value.as_array() : OptionArray{value};
    std::vector<Base> bases;
    for (const auto& element : elements) {
      if (const auto* text = element.as_string())
        bases.push_back({(file.parent_path() / *text).lexically_normal(), element.where});
      else
        problems_.add("", element.where,
                      "'extends' must be a path or an array of paths, got " + to_toml(element));
    }
    return bases;
  }

  OptionTable read_base(const fs::path& file, const SourceLocation& where) {
    if (const auto wrong = unreadable(file); !wrong.empty()) {
      problems_.add("", where, "'extends': " + wrong);
      return {};
    }
    for (const auto& open : chain_)
      if (fs::equivalent(open, file)) {
        std::string circle;
        for (const auto& step : chain_) circle += step.string() + " -> ";
        throw RecipeError(to_string(where) + ": recipes extend each other in a circle: " + circle +
                          file.string());
      }
    return read(file);
  }

  Problems& problems_;
  std::vector<fs::path>& files_;
  std::vector<fs::path> chain_;
};

void place(OptionValue& value, const SourceLocation& where) {
  value.where = where;
  if (auto* table = std::get_if<OptionTable>(&value.data)) {
    table->where = where;
    for (auto& entry : table->entries) place(entry.second, where);
  } else if (auto* array = std::get_if<OptionArray>(&value.data)) {
    for (auto& element : *array) place(element, where);
  }
}

bool is_bare_key(const std::string& key) {
  return !key.empty() && key.find_first_not_of(
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789_-") == std::string::npos;
}

std::vector<std::string> split_key(const std::string& dotted) {
  std::vector<std::string> keys;
  for (std::size_t begin = 0; begin <= dotted.size();) {
    const auto end = std::min(dotted.find('.', begin), dotted.size());
    keys.push_back(dotted.substr(begin, end - begin));
    begin = end + 1;
  }
  return keys;
}

/// a.b=VALUE as the table { a = { b = VALUE } }.
OptionTable parse_override(const std::string& text, Problems& problems) {
  const SourceLocation where{"--set " + text, 0, 0};
  const auto equals = text.find('=');
  const auto keys = split_key(text.substr(0, equals));
  if (equals == std::string::npos || !std::all_of(keys.begin(), keys.end(), is_bare_key)) {
    problems.add("", where, "must be KEY=VALUE with a key like method.radius");
    return {};
  }
  if (keys.front() == "extends") {
    problems.add("", where, "'extends' belongs in a recipe; write one that extends both");
    return {};
  }
  const auto right = text.substr(equals + 1);
  auto value = parse_toml_value(right).value_or(OptionValue(right));
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) value = OptionTable{{*key, value}};
  place(value, where);
  return std::get<OptionTable>(value.data);
}

// Put together first, so that their order does not matter: a `type` must not drop an option that
// was set before it.
void put(OptionTable& table, const std::vector<std::string>& overrides, Problems& problems) {
  OptionTable set;
  for (const auto& text : overrides) {
    const auto one = parse_override(text, problems);
    merge(set, one);
  }
  const auto where = table.where;
  merge(table, set);
  table.where = where;
}

}  // namespace

void set_options(OptionTable& table, const std::vector<std::string>& overrides) {
  Problems problems;
  put(table, overrides, problems);
  problems.raise();
}

Recipe load_recipe(const fs::path& file, const std::vector<std::string>& overrides) {
  if (const auto wrong = unreadable(file); !wrong.empty()) throw RecipeError(wrong);
  Problems problems;
  Recipe recipe;
  recipe.file = file;
  recipe.table = Reader(problems, recipe.files).read(file);
  put(recipe.table, overrides, problems);
  Environment(problems).expand(recipe.table, "");
  problems.raise();
  return recipe;
}

}  // namespace covector
