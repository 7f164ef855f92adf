#include "json.h"

#include <cmath>

namespace covector::cli {

using nlohmann::ordered_json;

ordered_json to_json(const OptionValue& value) {
  if (const auto* table = value.as_table()) {
    auto object = ordered_json::object();
    for (const auto& [key, inner] : table->entries) object[key] = to_json(inner);
    return object;
  }
  if (const auto* array = value.as_array()) {
    auto list = ordered_json::array();
    for (const auto& element : *array) list.push_back(to_json(element));
    return list;
  }
  if (const auto* text = value.as_string()) return *text;
  if (const auto* flag = std::get_if<bool>(&value.data)) return *flag;
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) return *whole;
  const auto number = std::get<double>(value.data);
  if (!std::isfinite(number)) return to_toml(value);
  return number;
}

}  // namespace covector::cli
