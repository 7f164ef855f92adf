#include "covector/core/option_table.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace covector {

std::string to_string(const SourceLocation& where) {
  if (where.file.empty()) return "(default)";
  if (where.line == 0) return where.file;
  return where.file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
}

OptionTable::OptionTable() = default;
OptionTable::OptionTable(std::initializer_list<std::pair<std::string, OptionValue>> items)
    : entries(items) {}
OptionTable::OptionTable(const OptionTable&) = default;
OptionTable::OptionTable(OptionTable&&) noexcept = default;
OptionTable& OptionTable::operator=(const OptionTable&) = default;
OptionTable& OptionTable::operator=(OptionTable&&) noexcept = default;
OptionTable::~OptionTable() = default;

const OptionValue* OptionTable::find(std::string_view key) const {
  const auto hit = std::find_if(entries.begin(), entries.end(),
                                [&](const auto& entry) { return entry.first == key; });
  return hit == entries.end() ? nullptr : &hit->second;
}

OptionValue* OptionTable::find(std::string_view key) {
  return const_cast<OptionValue*>(std::as_const(*this).find(key));
}

void OptionTable::set(std::string key, OptionValue value) {
  if (auto* present = find(key))
    *present = std::move(value);
  else
    entries.emplace_back(std::move(key), std::move(value));
}

std::vector<std::string> OptionTable::keys() const {
  std::vector<std::string> out;
  for (const auto& entry : entries) out.push_back(entry.first);
  return out;
}

namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string escaped(char control) {
  constexpr auto digits = "0123456789abcdef";
  return std::string("\\u00") + digits[control >> 4] + digits[control & 15];
}

struct TomlText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    std::string text(buffer, end);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
  }
  std::string operator()(const std::string& value) const {
    std::string text = "\"";
    for (const char c : value) {
      switch (c) {
        case '"':
          text += "\\\"";
          break;
        case '\\':
          text += "\\\\";
          break;
        case '\n':
          text += "\\n";
          break;
        case '\t':
          text += "\\t";
          break;
        case '\r':
          text += "\\r";
          break;
        default:
          text += is_control(c) ? escaped(c) : std::string(1, c);
      }
    }
    return text + "\"";
  }
  std::string operator()(const OptionArray& array) const {
    std::string text = "[";
    for (const auto& element : array) text += (text.size() > 1 ? ", " : "") + to_toml(element);
    return text + "]";
  }
  std::string operator()(const OptionTable& table) const {
    std::string text = "{";
    for (const auto& entry : table.entries)
      text +=
          (text.size() > 1 ? ", " : " ") + to_toml_key(entry.first) + " = " + to_toml(entry.second);
    return text + (text.size() > 1 ? " }" : "}");
  }
};

}  // namespace

std::string to_toml(const OptionValue& value) {
  return std::visit(TomlText{}, value.data);
}

std::string to_toml_key(std::string_view key) {
  const auto bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-');
  });
  return bare ? std::string(key) : to_toml(std::string(key));
}

}  // namespace covector
