#include "inspect.h"

#include "covector/datasets/image.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace covector::data_command {
namespace {

using Json = nlohmann::ordered_json;

Json inspected(const std::filesystem::path& path) {
  const auto image = datasets::read_image(path);
  const auto values = image.pixels.to(torch::kFloat64);
  const auto& info = image.info;
  Json json;
  json["file"] = path.string();
  json["format"] = info.format;
  json["shape"] = image.size();
  json["channels"] = image.pixels.size(0);
  json["frames"] = info.frames;
  json["stored_type"] = info.stored_type;
  if (info.bits_stored > 0) json["bits_stored"] = info.bits_stored;
  json["type"] = c10::toString(image.pixels.scalar_type());
  const bool whole = !at::isFloatingType(image.pixels.scalar_type());
  const auto number = [&](const at::Tensor& value) {
    return whole ? Json(value.item<std::int64_t>()) : Json(value.item<double>());
  };
  json["minimum"] = number(values.min());
  json["maximum"] = number(values.max());
  const auto known = [](const auto& list) { return list.empty() ? Json(nullptr) : Json(list); };
  json["spacing_mm"] = known(image.geometry.spacing_mm);
  json["origin_mm"] = known(image.geometry.origin_mm);
  json["orientation"] = known(info.orientation);
  json["photometric"] = known(info.photometric);
  return json;
}

std::string joined(const Json& list, const std::string& between) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : between) + item.dump();
  return text;
}

void print(const Json& json, std::ostream& out) {
  out << json["file"].get<std::string>() << "\n";
  const auto line = [&](const char* name, const std::string& text) {
    out << "  " << std::string(name) << std::string(14 - std::string(name).size(), ' ') << text
        << "\n";
  };
  const auto text = [&](const char* key) {
    return json[key].is_null() ? std::string("not known") : json[key].get<std::string>();
  };
  line("format", text("format"));
  line("shape",
       joined(json["shape"], " x ") + (json["shape"].size() == 3 ? "  (D x H x W)" : "  (H x W)"));
  line("channels", json["channels"].dump());
  line("frames", json["frames"].dump());
  line("stored type", text("stored_type") + (json.contains("bits_stored")
                                                 ? ", " + json["bits_stored"].dump() + " bits"
                                                 : std::string()));
  line("minimum", json["minimum"].dump());
  line("maximum", json["maximum"].dump());
  line("spacing", json["spacing_mm"].is_null() ? std::string("not known")
                                               : joined(json["spacing_mm"], " x ") + " mm");
  line("orientation", text("orientation"));
  if (!json["photometric"].is_null()) line("photometric", text("photometric"));
}

}  // namespace

void inspect(const std::vector<std::string>& files, bool as_json, std::ostream& out) {
  Json all = Json::array();
  for (const auto& file : files) {
    all.push_back(inspected(file));
    if (!as_json) print(all.back(), out);
  }
  if (as_json) out << all.dump(2) << "\n";
}

}  // namespace covector::data_command
