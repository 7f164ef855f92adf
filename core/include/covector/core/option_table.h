#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace covector {

/// Where a value stands in a recipe, 1-based. An empty file means it was set in code; a line of 0
/// means that `file` names something without lines (a command-line override).
struct SourceLocation {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};
/// "recipe.toml:12:8", "--set method.radius=3", or "(default)".
COVECTOR_API std::string to_string(const SourceLocation& where);

struct OptionValue;
using OptionArray = std::vector<OptionValue>;

/// An ordered table of options that remembers where it came from. The only form in which
/// configuration crosses into a plug-in: no TOML library type is part of the plug-in ABI.
struct COVECTOR_API OptionTable {
  // Out of line: a table holds values, which are incomplete here.
  OptionTable();
  OptionTable(std::initializer_list<std::pair<std::string, OptionValue>> entries);
  OptionTable(const OptionTable&);
  OptionTable(OptionTable&&) noexcept;
  OptionTable& operator=(const OptionTable&);
  OptionTable& operator=(OptionTable&&) noexcept;
  ~OptionTable();

  std::vector<std::pair<std::string, OptionValue>> entries;
  SourceLocation where;

  const OptionValue* find(std::string_view key) const;
  OptionValue* find(std::string_view key);
  /// Replaces the value of `key`, or appends it.
  void set(std::string key, OptionValue value);
  std::vector<std::string> keys() const;
};

struct OptionValue {
  std::variant<bool, std::int64_t, double, std::string, OptionArray, OptionTable> data;
  SourceLocation where;

  OptionValue() = default;
  OptionValue(bool value) : data(value) {}                            // NOLINT(*-explicit-*)
  OptionValue(int value) : data(static_cast<std::int64_t>(value)) {}  // NOLINT(*-explicit-*)
  OptionValue(std::int64_t value) : data(value) {}                    // NOLINT(*-explicit-*)
  OptionValue(double value) : data(value) {}                          // NOLINT(*-explicit-*)
  OptionValue(const char* value) : data(std::string(value)) {}        // NOLINT(*-explicit-*)
  OptionValue(std::string value) : data(std::move(value)) {}          // NOLINT(*-explicit-*)
  OptionValue(OptionArray value) : data(std::move(value)) {}          // NOLINT(*-explicit-*)
  OptionValue(OptionTable value) : data(std::move(value)) {}          // NOLINT(*-explicit-*)

  const OptionTable* as_table() const { return std::get_if<OptionTable>(&data); }
  const OptionArray* as_array() const { return std::get_if<OptionArray>(&data); }
  const std::string* as_string() const { return std::get_if<std::string>(&data); }
};

/// The value as TOML text on one line: 1, 1.5, "text", [1, 2], { a = 1 }. A number that is not an
/// integer always shows a point or an exponent, so that reading it back gives the same type.
COVECTOR_API std::string to_toml(const OptionValue& value);
/// A key as TOML writes it: bare where that is allowed, else quoted.
COVECTOR_API std::string to_toml_key(std::string_view key);

}  // namespace covector
