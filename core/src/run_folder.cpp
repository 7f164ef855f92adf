#include "run_folder.h"

#include "covector/core/error.h"
#include "covector/core/plugin.h"

#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <thread>

namespace covector {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

Json environment_of_process() {
  utsname system{};
  uname(&system);
  std::ifstream arguments("/proc/self/cmdline");
  Json command = Json::array();
  for (std::string argument; std::getline(arguments, argument, '\0');) command.push_back(argument);
  return {{"time", utc_text(std::time(nullptr))},
          {"command", command},
          {"working_directory", fs::current_path().string()},
          {"host", system.nodename},
          {"system", std::string(system.sysname) + " " + system.release + " " + system.machine}};
}

/// What environment.json of a run folder says; an empty object where there is none.
Json environment_of(const fs::path& run) {
  std::ifstream file(run / "environment.json");
  auto json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

std::string utc_text(std::int64_t seconds_since_1970) {
  const std::time_t time = seconds_since_1970;
  char text[32];
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void write_text(const fs::path& file, const std::string& text) {
  const auto temporary = file.string() + ".new";
  errno = 0;
  std::ofstream out(temporary, std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    const std::string why = std::strerror(errno);
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw Error("cannot write " + file.string() + ": " + why);
  }
  fs::rename(temporary, file);
}

RunFolder::RunFolder(fs::path path, const OptionTable& resolved) : path_(std::move(path)) {
  std::error_code failure;
  fs::create_directories(path_ / "checkpoints", failure);
  if (failure)
    throw Error("cannot make the run folder " + path_.string() + ": " + failure.message());
  hold();
  try {
    owner_ = std::make_unique<Ownership>(path_);
    check_same_recipe(path_, resolved);
    write_text(path_ / "recipe.toml", to_toml_document(resolved, /*provenance=*/true));
  } catch (...) {
    close(lock_);
    throw;
  }
}

RunFolder::~RunFolder() {
  owner_.reset();
  close(lock_);
}

void RunFolder::hold() {
  const auto file = path_ / ".lock";
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0)
    throw Error("cannot write in the run folder " + path_.string() + ": " + std::strerror(errno));
  // Some network file systems have no such locks; there the file of the owner alone has to do.
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(lock_);
  const auto owner = owner_of(path_);
  throw FolderInUse("the run folder " + path_.string() + " is in use by " +
                    (owner ? to_string(*owner) : "another process"));
}

void check_same_recipe(const fs::path& run, const OptionTable& resolved) {
  if (!fs::exists(run / "recipe.toml")) return;
  const auto before = load_recipe(run / "recipe.toml").table;
  std::string differing;
  for (const auto& difference : diff(before, resolved)) {
    const bool raised = difference.key == "loop.steps" && !difference.first.empty() &&
                        std::stoll(difference.second) > std::stoll(difference.first);
    const auto shown = [](const std::string& value) { return value.empty() ? "not set" : value; };
    if (!raised)
      differing += "\n  " + difference.key + ": " + shown(difference.first) + " there, " +
                   shown(difference.second) + " now";
  }
  if (!differing.empty())
    throw RecipeError(
        "the run folder " + run.string() + " holds a run of another recipe:" + differing +
        "\nGive another folder with --output, or remove this one. Only loop.steps may "
        "be raised.");
}

void RunFolder::write_status(const RunStatus& status) const {
  check_held();
  covector::write_status(path_, status);
}

void write_status(const fs::path& folder, const RunStatus& status) {
  Json json{{"state", status.state}, {"step", status.step}, {"steps", status.steps}};
  if (!status.error.empty()) json["error"] = status.error;
  write_text(folder / "status.json", json.dump(2) + "\n");
}

RunStatus read_status(const fs::path& folder) {
  std::ifstream file(folder / "status.json");
  const auto json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {"none", 0, 0, {}};
  return {json.value("state", "none"), json.value("step", std::int64_t{0}),
          json.value("steps", std::int64_t{0}), json.value("error", "")};
}

std::string plugins_json(const PluginLoader& loader) {
  Json all = Json::array();
  for (const auto& plugin : loader.loaded()) {
    const auto changed = fs::last_write_time(plugin.file);
    all.push_back({{"name", plugin.name},
                   {"version", plugin.version},
                   {"file", plugin.file.string()},
                   {"bytes", fs::file_size(plugin.file)},
                   {"changed", utc_text(std::chrono::system_clock::to_time_t(
                                   std::chrono::file_clock::to_sys(changed)))}});
    for (const auto& item : plugin.provides)
      if (!item.reconstruction.empty())
        all.back()["reconstructions"][item.name] = item.reconstruction;
  }
  return all.dump(2) + "\n";
}

Computing RunFolder::computing(const Computing& chosen) const {
  const auto json = environment_of(path_);
  return {json.value("precision", chosen.precision), json.value("layout", chosen.layout)};
}

void RunFolder::check_dataset(const std::string& fingerprint) const {
  const auto before = environment_of(path_).value("dataset_fingerprint", fingerprint);
  if (before != fingerprint)
    throw DataError("the dataset is not the one that the run in " + path_.string() +
                    " began with: its fingerprint was " + before + " and is " + fingerprint +
                    ". Files, order, splits or preparation have changed; give another folder with "
                    "--output");
}

namespace {

/// Of a set whose images have classes: each by name, in the order of their numbers, with how many
/// images of it each split has.
Json image_classes_of(const Dataset& dataset) {
  Json all = Json::array();
  const auto names = dataset.image_classes();
  for (std::size_t i = 0; i < names.size(); ++i) {
    Json one{{"number", i}, {"name", names[i]}};
    for (const auto split : {Split::train, Split::validation, Split::test}) {
      const auto indices = dataset.indices(split);
      one[std::string(to_string(split))] =
          std::count_if(indices.begin(), indices.end(), [&](std::int64_t index) {
            return dataset.image_class(index) == static_cast<std::int64_t>(i);
          });
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

void RunFolder::write_provenance(const PluginLoader& loader, const std::string& device,
                                 const Computing& computing, const Dataset& dataset) const {
  write_text(path_ / "plugins.json", plugins_json(loader));
  auto json = environment_of_process();
  json["cpu"] = cpu_model();
  json["cpu_threads"] = std::thread::hardware_concurrency();
  json["device"] = device;
  json["precision"] = computing.precision;
  json["layout"] = computing.layout;
  json["program"] = COVECTOR_VERSION;
  json["build"] = COVECTOR_BUILD_ID;
  json["compiler"] = __VERSION__;
  json["plugin_api"] = kPluginApiVersion;
  json["dataset_fingerprint"] = dataset.fingerprint();
  json["skipped"] = dataset.skipped();
  if (!dataset.image_classes().empty()) json["image_classes"] = image_classes_of(dataset);
  write_text(path_ / "environment.json", json.dump(2) + "\n");
}

fs::path RunFolder::pictures(std::int64_t step) const {
  char name[32];
  std::snprintf(name, sizeof name, "step-%09lld", static_cast<long long>(step));
  auto folder = path_ / "images" / name;
  fs::create_directories(folder);
  return folder;
}

}  // namespace covector
