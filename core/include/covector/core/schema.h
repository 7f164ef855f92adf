#pragma once

#include "covector/core/error.h"
#include "covector/core/option_table.h"
#include "covector/core/suggest.h"

#include <algorithm>
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace covector {

/// What is wrong with a recipe, gathered so that one run reports all of it.
class COVECTOR_API Problems {
 public:
  /// `section` is the table the problem belongs to ("method"); it heads the list in the message.
  /// A problem that is there already, as one of a file that two recipes extend, is not repeated.
  void add(const std::string& section, const SourceLocation& where, const std::string& what);
  bool empty() const { return found_.empty(); }
  /// One block a section: "[method] is not valid:" and an indented "file:line:column: what" a
  /// problem.
  std::string text() const;
  /// Throws RecipeError with text() unless empty.
  void raise() const;

 private:
  struct Found {
    std::string section;
    std::string line;
    bool operator==(const Found&) const = default;
  };
  std::vector<Found> found_;
};

template <class T>
class Schema;

/// A struct whose default-constructed values are its defaults and which names its fields.
template <class T>
concept Described = std::default_initializable<T> && requires(Schema<T>& schema) {
  T::describe(schema);
};

/// One row of the generated reference table.
struct FieldDoc {
  std::string name;
  std::string type;
  std::string default_value;  // TOML text; empty for an optional without a value
  std::string unit;
  std::string constraint;
  std::string doc;
};

/// What a schema says about its part as a whole.
struct PartDoc {
  std::string summary;
  std::string source;                   // paper or code this implements
  std::string family;                   // "GL", "BCL", "DBCL", "VR" for methods; else empty
  std::vector<std::string> departures;  // where paper, released code and this part differ
  std::string reconstruction;           // what of it no source states; empty where all is known
  std::string transfers;                // what of a method's network goes downstream
  std::vector<std::pair<std::string, std::string>> watched;  // entries of the log, what they mean
  std::vector<FieldDoc> options;
};

/// A part by name with its own options, as in `{ type = "noise", std = 0.1 }`. Kept as a table: the
/// registry that knows the type checks and builds it.
using Part = OptionTable;
using Parts = std::vector<Part>;

namespace detail {
template <class V>
struct is_vector : std::false_type {};
template <class E>
struct is_vector<std::vector<E>> : std::true_type {};
template <class V>
struct is_optional : std::false_type {};
template <class E>
struct is_optional<std::optional<E>> : std::true_type {};

template <class V>
std::string type_name() {
  if constexpr (is_optional<V>::value)
    return type_name<typename V::value_type>();
  else if constexpr (std::same_as<V, bool>)
    return "boolean";
  else if constexpr (std::integral<V>)
    return "integer";
  else if constexpr (std::floating_point<V>)
    return "number";
  else if constexpr (std::same_as<V, std::string>)
    return "string";
  else if constexpr (std::same_as<V, Part>)
    return "part";
  else if constexpr (is_vector<V>::value)
    return "array of " + type_name<typename V::value_type>();
  else
    return "table";
}
template <class V>
std::optional<V> read_value(const OptionValue& value, const std::string& section,
                            const std::string& name, Problems& problems);
/// A sub-table, over the values it has.
template <Described V>
std::optional<V> read_table(const OptionValue& value, const std::string& section,
                            const std::string& name, Problems& problems, const V& values);
template <class V>
OptionValue write_value(const V& value);
/// The fields inside a sub-table, as rows "name.field", or "name[].field" in an array of tables.
template <class V>
std::vector<FieldDoc> rows_inside(const std::string& name);
/// Gives the rows of a sub-table the values that it has in the part around it.
template <Described V>
void show_defaults(std::vector<FieldDoc>& rows, const std::string& name, const V& values);
}  // namespace detail

/// The description of an options struct: parsing, messages, the resolved recipe and the reference
/// page all come from it. Field types: bool, integers, floating point, std::string, std::optional
/// of these, std::vector of these, another Described struct (a sub-table), Part and Parts.
template <class T>
class Schema {
 public:
  template <class V>
  class Field {
   public:
    Field(Schema& schema, std::size_t index, V T::*member)
        : schema_(schema), index_(index), member_(member) {}
    Field& doc(std::string text) {
      schema_.fields_[index_].doc.doc = std::move(text);
      return *this;
    }
    Field& unit(std::string text) {
      schema_.fields_[index_].doc.unit = std::move(text);
      return *this;
    }
    /// Numbers, or arrays of numbers (each element).
    template <class Number>
    Field& between(Number low, Number high) {
      return each([=](auto v) { return low <= v && v <= high; },
                  "between " + to_toml(low) + " and " + to_toml(high));
    }
    template <class Number>
    Field& at_least(Number low) {
      return each([=](auto v) { return low <= v; }, "at least " + to_toml(low));
    }
    template <class Number>
    Field& more_than(Number low) {
      return each([=](auto v) { return low < v; }, "more than " + to_toml(low));
    }
    Field& one_of(std::vector<V> allowed) {
      std::vector<std::string> words;
      std::string text = "one of";
      for (const auto& a : allowed) {
        text += (words.empty() ? " " : ", ") + to_toml(detail::write_value(a));
        words.push_back(to_toml(detail::write_value(a)));
      }
      return require(
          [allowed](const V& v) {
            return std::find(allowed.begin(), allowed.end(), v) != allowed.end();
          },
          text);
    }
    /// `text` completes "must be ...".
    Field& require(std::function<bool(const V&)> holds, std::string text) {
      auto& entry = schema_.fields_[index_];
      entry.doc.constraint += (entry.doc.constraint.empty() ? "" : "; ") + text;
      entry.checks.push_back([member = member_, holds = std::move(holds), text](const T& options) {
        return holds(options.*member) ? std::string() : "must be " + text;
      });
      return *this;
    }

   private:
    template <class Rule>
    Field& each(Rule rule, const std::string& text) {
      if constexpr (detail::is_vector<V>::value)
        return require([rule](const V& v) { return std::all_of(v.begin(), v.end(), rule); }, text);
      else if constexpr (detail::is_optional<V>::value)
        return require([rule](const V& v) { return !v || rule(*v); }, text);
      else
        return require([rule](const V& v) { return rule(v); }, text);
    }

    Schema& schema_;
    std::size_t index_;
    V T::*member_;
  };

  Schema& summary(std::string text) {
    doc_.summary = std::move(text);
    return *this;
  }
  /// Paper or code this implements, printed in the reference.
  Schema& source(std::string text) {
    doc_.source = std::move(text);
    return *this;
  }
  /// Family of a method in the paper's comparison: GL, BCL, DBCL or VR.
  Schema& family(std::string text) {
    doc_.family = std::move(text);
    return *this;
  }
  /// One place where paper, released code and this part differ, or which is a reconstruction.
  Schema& departure(const std::string& text) {
    doc_.departures.push_back(text);  // not moved: GCC 12 then warns of array bounds without cause
    return *this;
  }
  /// Says that the part was rebuilt without its code or paper at hand, and from what. Every listing
  /// and every table of results repeats it beside the name.
  Schema& reconstruction(std::string text) {
    doc_.reconstruction = std::move(text);
    return *this;
  }
  /// What of a method's network goes downstream, and what is dropped.
  Schema& transfers(std::string text) {
    doc_.transfers = std::move(text);
    return *this;
  }
  /// An entry of the log that tells how a run goes: what it means and what to beware of.
  Schema& watch(const std::string& entry, const std::string& meaning) {
    doc_.watched.emplace_back(entry, meaning);
    return *this;
  }
  template <class V>
  Field<V> field(std::string name, V T::*member) {
    Entry entry;
    entry.doc.name = name;
    entry.doc.type = detail::type_name<V>();
    if constexpr (Described<V>) {
      entry.write = [member](const T& options) -> std::optional<OptionValue> {
        return detail::write_value(options.*member);
      };
      // What a recipe leaves out keeps the values that this part gives the sub-table.
      entry.read = [member](T& options, const OptionValue& value, const std::string& section,
                            const std::string& key, Problems& problems) {
        auto read = detail::read_table<V>(value, section, key, problems, options.*member);
        if (read) options.*member = std::move(*read);
        return read.has_value();
      };
    } else if constexpr (detail::is_optional<V>::value) {
      entry.write = [member](const T& options) -> std::optional<OptionValue> {
        if (!(options.*member)) return std::nullopt;
        return detail::write_value(*(options.*member));
      };
      entry.read = [member](T& options, const OptionValue& value, const std::string& section,
                            const std::string& key, Problems& problems) {
        auto read = detail::read_value<typename V::value_type>(value, section, key, problems);
        if (read) options.*member = std::move(*read);
        return read.has_value();
      };
    } else {
      entry.write = [member](const T& options) -> std::optional<OptionValue> {
        return detail::write_value(options.*member);
      };
      entry.read = [member](T& options, const OptionValue& value, const std::string& section,
                            const std::string& key, Problems& problems) {
        auto read = detail::read_value<V>(value, section, key, problems);
        if (read) options.*member = std::move(*read);
        return read.has_value();
      };
    }
    entry.inside = detail::rows_inside<V>(name);
    if constexpr (Described<V>) detail::show_defaults(entry.inside, name, T{}.*member);
    // The defaults of a sub-table stand in the rows of its fields.
    const auto value = Described<V> ? std::nullopt : entry.write(T{});
    if (value) entry.doc.default_value = to_toml(*value);
    fields_.push_back(std::move(entry));
    return Field<V>(*this, fields_.size() - 1, member);
  }
  /// A rule over several fields: returns an empty string when it holds, else the complaint.
  Schema& rule(std::function<std::string(const T&)> rule) {
    rules_.push_back(std::move(rule));
    return *this;
  }

  /// Reads `table` over `options`; adds every problem found under `section`. The key "type" belongs
  /// to the registry and is passed over.
  T parse(const OptionTable& table, const std::string& section, Problems& problems,
          T options = {}) const {
    bool valid = true;
    for (const auto& item : table.entries) {
      const auto& key = item.first;  // not a structured binding: clang 14 cannot capture one
      const auto& value = item.second;
      if (key == "type") continue;
      const auto hit = std::find_if(fields_.begin(), fields_.end(),
                                    [&](const Entry& e) { return e.doc.name == key; });
      if (hit == fields_.end()) {
        problems.add(section, value.where,
                     "unknown option '" + key + "'" + did_you_mean(key, names()));
        valid = false;
        continue;
      }
      if (!hit->read(options, value, section, key, problems)) {
        valid = false;
        continue;
      }
      for (const auto& check : hit->checks)
        if (const auto what = check(options); !what.empty()) {
          problems.add(section, value.where, "'" + key + "' " + what);
          valid = false;
        }
    }
    if (valid)
      for (const auto& rule : rules_)
        if (const auto what = rule(options); !what.empty())
          problems.add(section, table.where, what);
    return options;
  }
  /// As above; throws one RecipeError with every problem.
  T parse(const OptionTable& table, const std::string& section) const {
    Problems problems;
    auto options = parse(table, section, problems);
    problems.raise();
    return options;
  }
  /// Every option with its value, in the order of description; optionals without a value are left
  /// out.
  OptionTable dump(const T& options) const {
    OptionTable table;
    for (const auto& entry : fields_)
      if (auto value = entry.write(options)) table.set(entry.doc.name, std::move(*value));
    return table;
  }
  PartDoc doc() const {
    auto doc = doc_;
    for (const auto& entry : fields_) {
      doc.options.push_back(entry.doc);
      doc.options.insert(doc.options.end(), entry.inside.begin(), entry.inside.end());
    }
    return doc;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fields_) out.push_back(entry.doc.name);
    return out;
  }

 private:
  struct Entry {
    FieldDoc doc;
    std::vector<FieldDoc> inside;
    std::function<bool(T&, const OptionValue&, const std::string&, const std::string&, Problems&)>
        read;
    std::function<std::optional<OptionValue>(const T&)> write;
    std::vector<std::function<std::string(const T&)>> checks;
  };
  PartDoc doc_;
  std::vector<Entry> fields_;
  std::vector<std::function<std::string(const T&)>> rules_;
};

template <Described T>
Schema<T> schema_of() {
  Schema<T> schema;
  T::describe(schema);
  return schema;
}

namespace detail {
template <class V>
std::optional<V> read_value(const OptionValue& value, const std::string& section,
                            const std::string& name, Problems& problems) {
  if constexpr (std::same_as<V, Part>) {
    if (const auto* table = value.as_table()) return *table;
  } else if constexpr (Described<V>) {
    return read_table<V>(value, section, name, problems, V{});
  } else if constexpr (is_vector<V>::value) {
    if (const auto* array = value.as_array()) {
      V out;
      for (std::size_t i = 0; i < array->size(); ++i) {
        auto element = read_value<typename V::value_type>(
            (*array)[i], section, name + "[" + std::to_string(i) + "]", problems);
        if (!element) return std::nullopt;
        out.push_back(std::move(*element));
      }
      return out;
    }
  } else if constexpr (std::same_as<V, bool>) {
    if (const auto* b = std::get_if<bool>(&value.data)) return *b;
  } else if constexpr (std::integral<V>) {
    if (const auto* i = std::get_if<std::int64_t>(&value.data)) return static_cast<V>(*i);
  } else if constexpr (std::floating_point<V>) {
    if (const auto* d = std::get_if<double>(&value.data)) return static_cast<V>(*d);
    if (const auto* i = std::get_if<std::int64_t>(&value.data)) return static_cast<V>(*i);
  } else {
    if (const auto* s = std::get_if<V>(&value.data)) return *s;
  }
  problems.add(section, value.where,
               "'" + name + "' must be " + type_name<V>() + ", got " + to_toml(value));
  return std::nullopt;
}
template <Described V>
std::optional<V> read_table(const OptionValue& value, const std::string& section,
                            const std::string& name, Problems& problems, const V& values) {
  if (const auto* table = value.as_table())
    return schema_of<V>().parse(*table, section + "." + name, problems, values);
  problems.add(section, value.where, "'" + name + "' must be table, got " + to_toml(value));
  return std::nullopt;
}
template <class V>
OptionValue write_value(const V& value) {
  if constexpr (std::same_as<V, Part>)
    return value;
  else if constexpr (Described<V>)
    return schema_of<V>().dump(value);
  else if constexpr (is_vector<V>::value) {
    OptionArray array;
    for (const auto& element : value) array.push_back(write_value<typename V::value_type>(element));
    return array;
  } else if constexpr (std::same_as<V, bool>)
    return value;
  else if constexpr (std::integral<V>)
    return static_cast<std::int64_t>(value);
  else if constexpr (std::floating_point<V>)
    return static_cast<double>(value);
  else
    return value;
}
template <class V>
std::vector<FieldDoc> rows_inside(const std::string& name) {
  std::vector<FieldDoc> rows;
  if constexpr (is_vector<V>::value) {
    rows = rows_inside<typename V::value_type>(name + "[]");
  } else if constexpr (is_optional<V>::value) {
    rows = rows_inside<typename V::value_type>(name);
  } else if constexpr (Described<V>) {
    rows = schema_of<V>().doc().options;
    for (auto& row : rows) row.name = name + "." + row.name;
  }
  return rows;
}
template <Described V>
void show_defaults(std::vector<FieldDoc>& rows, const std::string& name, const V& values) {
  const auto table = schema_of<V>().dump(values);
  for (auto& row : rows) {
    const auto* value = table.find(row.name.substr(name.size() + 1));
    if (value && !value->as_table()) row.default_value = to_toml(*value);
  }
}
}  // namespace detail
}  // namespace covector
