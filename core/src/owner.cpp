#include "owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

namespace covector {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// When a process of this machine started; none where there is no such process.
std::optional<std::int64_t> start_of(std::int64_t pid) {
  const auto line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = line.rfind(')');  // the name before it may hold spaces
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;  // ended, and not yet waited for
  std::string field;
  for (int number = 4; number <= 22; ++number) fields >> field;  // 22 is starttime, see proc(5)
  return std::stoll(field);
}

std::string numbers_of_this_process() {
  std::error_code unknown;
  return first_line("/proc/sys/kernel/random/boot_id") + " " +
         fs::read_symlink("/proc/self/ns/pid", unknown).string();
}

Owner this_process() {
  utsname system{};
  uname(&system);
  const auto pid = static_cast<std::int64_t>(getpid());
  return {system.nodename, numbers_of_this_process(), pid, start_of(pid).value_or(0),
          static_cast<std::int64_t>(std::time(nullptr))};
}

fs::path file_of(const fs::path& folder) {
  return folder / ".owner";
}

std::string to_text(const Owner& owner) {
  const Json json{{"host", owner.host},
                  {"numbers", owner.numbers},
                  {"pid", owner.pid},
                  {"started", owner.started},
                  {"since", owner.since}};
  return json.dump() + "\n";
}

/// None where there is no file; an owner of no name where it has no content yet.
std::optional<Owner> read_owner(const fs::path& file) {
  std::ifstream in(file);
  if (!in) return std::nullopt;
  const auto json = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Owner{};
  return Owner{json.value("host", ""), json.value("numbers", ""),
               json.value("pid", std::int64_t{0}), json.value("started", std::int64_t{0}),
               json.value("since", std::int64_t{0})};
}

std::optional<timespec> changed(const fs::path& file) {
  struct stat about {};
  if (stat(file.c_str(), &about) != 0) return std::nullopt;
  return about.st_mtim;
}

/// The time by the clock that stamps the files of a folder, which on a network is the server's; by
/// our own where the folder cannot be written.
std::time_t now_in(const fs::path& folder) {
  auto name = (folder / ".clock-XXXXXX").string();
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) return std::time(nullptr);
  struct stat about {};
  const bool known = fstat(file, &about) == 0;
  close(file);
  unlink(name.c_str());
  return known ? about.st_mtim.tv_sec : std::time(nullptr);
}

bool is_gone(const Owner& owner, const fs::path& file) {
  if (owner.numbers == numbers_of_this_process()) return start_of(owner.pid) != owner.started;
  const auto beat = changed(file);
  return !beat || now_in(file.parent_path()) - beat->tv_sec > kStale.count();
}

/// Removes the file of an owner that is gone. What another process put in its place in the meantime
/// goes back.
void remove_stale(const fs::path& file, const Owner& gone) {
  const auto aside = file.string() + "-" + std::to_string(getpid());
  if (std::rename(file.c_str(), aside.c_str()) != 0) return;
  if (read_owner(aside) != gone && link(aside.c_str(), file.c_str()) != 0 && errno != EEXIST)
    throw Error("cannot write " + file.string() + ": " + std::strerror(errno));
  unlink(aside.c_str());
}

}  // namespace

FolderInUse::~FolderInUse() = default;

std::string to_string(const Owner& owner) {
  return owner.host.empty() ? "a process that has just begun"
                            : owner.host + " pid " + std::to_string(owner.pid);
}

std::optional<Owner> owner_of(const fs::path& folder) {
  const auto file = file_of(folder);
  auto owner = read_owner(file);
  if (owner && is_gone(*owner, file)) owner.reset();
  return owner;
}

Ownership::Ownership(const fs::path& folder) : file_(file_of(folder)), own_(this_process()) {
  while (!claim()) {
    const auto other = read_owner(file_);
    if (!other) continue;  // it has just left
    if (!is_gone(*other, file_))
      throw FolderInUse("the run folder " + folder.string() + " is in use by " + to_string(*other));
    remove_stale(file_, *other);
    before_ = other;
  }
  heart_ = std::thread([this] { beat(); });
}

Ownership::~Ownership() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ending_.notify_all();
  heart_.join();
  if (read_owner(file_) == own_) unlink(file_.c_str());
}

/// Whether the file was made, by us. That it is made by one alone holds on network file systems
/// too.
bool Ownership::claim() {
  const int file = open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0 && errno == EEXIST) return false;
  const auto text = to_text(own_);
  const bool written =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const std::string why = std::strerror(errno);
  if (file >= 0) close(file);
  if (written) return true;
  if (file >= 0) unlink(file_.c_str());
  throw Error("cannot write " + file_.string() + ": " + why);
}

void Ownership::beat() {
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, kHeartbeat, [this] { return ends_; })) {
    const auto now = read_owner(file_);
    if (now && *now != own_) {
      taken_by_ = now;
      return;
    }
    utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
  }
}

void Ownership::check() const {
  const std::lock_guard lock(mutex_);
  if (taken_by_)
    throw Error("the run folder " + file_.parent_path().string() + " was taken by " +
                to_string(*taken_by_) + ", for this process gave no sign of life for over " +
                std::to_string(kStale.count()) + " s");
}

}  // namespace covector
