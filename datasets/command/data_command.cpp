#include "data_command.h"

#include "covector/core/error.h"
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

void Options::describe(Schema<Options>& schema) {
  schema.summary("Says what image files hold: shape, type, values, spacing, orientation.");
}

std::string DataCommand::help() const {
  return R"(covector data inspect FILE... [--json]

Shows what image files hold: format, shape, channels, frames, stored type, smallest and largest value
(after the file's rescale slope and intercept), spacing, and the patient axes towards which the first,
second and third array index grow (LPS: left, posterior, superior).

FILE is NIfTI, MetaImage, NRRD, PNG, JPEG, TIFF, DICOM, or a folder with the slices of a DICOM series.

  --json   one JSON array instead of text
  --help   this text
)";
}

int DataCommand::run(const std::vector<std::string>& arguments, std::ostream& out) {
  bool as_json = false;
  std::vector<std::string> words;
  for (const auto& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      out << help();
      return 0;
    }
    if (argument == "--json")
      as_json = true;
    else if (argument.size() > 1 && argument[0] == '-')
      throw RecipeError("data: unknown option '" + argument + "'; see covector data --help");
    else
      words.push_back(argument);
  }
  if (words.empty() || words[0] != "inspect")
    throw RecipeError("data: expected 'inspect'" +
                      (words.empty() ? std::string() : ", got '" + words[0] + "'") +
                      "; see covector data --help");
  if (words.size() == 1) throw RecipeError("data inspect: name at least one file");
  Json all = Json::array();
  for (std::size_t i = 1; i < words.size(); ++i) {
    all.push_back(inspected(words[i]));
    if (!as_json) print(all.back(), out);
  }
  if (as_json) out << all.dump(2) << "\n";
  return 0;
}

}  // namespace covector::data_command
