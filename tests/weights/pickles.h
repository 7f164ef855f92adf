#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

/// Pickles put together by hand, instruction by instruction; see CPython's Lib/pickletools.py.
namespace covector::testing::pickles {

inline std::string int32(std::int32_t value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
inline std::string number(std::int32_t value) {
  return "J" + int32(value);
}
inline std::string text(const std::string& value) {
  return "X" + int32(static_cast<std::int32_t>(value.size())) + value;
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const auto& item : items) all += item;
  return all + "t";
}
inline std::string numbers(const std::vector<std::int32_t>& values) {
  std::vector<std::string> items;
  for (const auto value : values) items.push_back(number(value));
  return tuple(items);
}
inline std::string call(const std::string& callee, const std::vector<std::string>& arguments) {
  return callee + tuple(arguments) + "R";
}
inline std::string ordered_dict() {
  return call(global("collections", "OrderedDict"), {});
}
/// Puts keys and values into the dict that the first makes.
inline std::string filled(const std::string& dict, const std::vector<std::string>& entries) {
  std::string all = dict + "(";
  for (const auto& entry : entries) all += entry;
  return all + "u";
}
inline std::string dict(const std::vector<std::string>& entries) {
  return filled("}", entries);
}
inline std::string storage(const std::string& key, std::int32_t count,
                           const std::string& type = "FloatStorage") {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count)}) +
         "Q";
}
inline std::string tensor(const std::string& from, std::int32_t offset,
                          const std::vector<std::int32_t>& sizes,
                          const std::vector<std::int32_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {from, number(offset), numbers(sizes), numbers(strides), "\x89", ordered_dict()});
}
inline std::string whole(const std::string& value) {
  return "\x80\x02" + value + ".";
}

}  // namespace covector::testing::pickles
