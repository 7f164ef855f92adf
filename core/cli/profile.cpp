#include "profile.h"

#include "text_table.h"

#include <cstdio>

namespace covector::cli {
namespace {

std::string number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string to_text(const Profile& profile) {
  const auto whole = profile.seconds_a_step();
  TextTable table({"part", "ms a step", "share"});
  for (const auto& [part, seconds] : profile.seconds)
    table.add({part, number("%9.1f", 1000 * seconds), number("%3.0f %%", 100 * seconds / whole)});
  table.add({"step", number("%9.1f", 1000 * whole), ""});
  return profile.recipe + ": " + std::to_string(profile.steps) + " steps on " + profile.device +
         ", " + profile.precision + ", " + profile.layout + "\n\n" + table.text() + "\n" +
         number("%.2f", 1 / whole) + " steps a second; of loading alone " +
         number("%.2f", profile.data_alone) + ", of making views alone " +
         number("%.2f", profile.views_alone) + "\nat most " +
         number("%.0f", profile.peak_memory_mib) + " MiB of main memory\n";
}

nlohmann::ordered_json to_json(const Profile& profile) {
  nlohmann::ordered_json json{
      {"recipe", profile.recipe},       {"device", profile.device},
      {"precision", profile.precision}, {"layout", profile.layout},
      {"steps", profile.steps},         {"steps_per_second", 1 / profile.seconds_a_step()}};
  for (const auto& [part, seconds] : profile.seconds) json["seconds_per_step"][part] = seconds;
  json["data_only_steps_per_second"] = profile.data_alone;
  json["views_only_steps_per_second"] = profile.views_alone;
  json["peak_memory_mib"] = profile.peak_memory_mib;
  return json;
}

}  // namespace covector::cli
