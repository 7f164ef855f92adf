#include "run_log.h"

#include "covector/core/error.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <limits>
#include <vector>

namespace covector {
namespace {

using Json = nlohmann::ordered_json;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The lines up to a step; one torn by a crash is left out.
std::vector<Json> kept_lines(const std::filesystem::path& path, std::int64_t steps_done) {
  std::vector<Json> kept;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    auto line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_object() && line.value("step", steps_done + 1) <= steps_done)
      kept.push_back(std::move(line));
  }
  return kept;
}

std::map<std::string, double> numbers_of(const Json& line) {
  std::map<std::string, double> values;
  for (const auto& item : line.items())
    if (item.key() != "step" && item.key() != "time" && item.value().is_number())
      values[item.key()] = item.value();
  return values;
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& folder, std::int64_t steps_done)
    : path_(folder / "log.jsonl") {
  const auto kept = kept_lines(path_, steps_done);
  const auto temporary = folder / "log.jsonl.new";
  lines_.open(temporary);
  for (const auto& line : kept) lines_ << line.dump() << '\n';
  lines_.flush();
  if (!lines_) throw Error("cannot write " + temporary.string());
  std::filesystem::rename(temporary, path_);  // the open stream follows the file to its new name

  events_.emplace(folder, kept.empty() ? now() : kept.front().at("time").get<double>());
  for (const auto& line : kept)
    events_->scalars(line.at("step"), line.at("time"), numbers_of(line));
  events_->flush();
}

void RunLog::write(std::int64_t step, const std::map<std::string, double>& values) {
  const auto time = now();
  Json line{{"step", step}, {"time", time}};
  for (const auto& [name, value] : values) line[name] = value;
  lines_ << line.dump() << std::endl;
  if (!lines_) throw Error("cannot write " + path_.string() + "; is the disk full?");
  events_->scalars(step, time, values);
  events_->flush();
}

std::vector<LoggedStep> read_log(const std::filesystem::path& folder) {
  constexpr auto kAll = std::numeric_limits<std::int64_t>::max() - 1;
  std::vector<LoggedStep> steps;
  for (const auto& line : kept_lines(folder / "log.jsonl", kAll))
    steps.push_back({line.at("step"), numbers_of(line)});
  return steps;
}

}  // namespace covector
