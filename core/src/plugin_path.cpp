#include "plugin_path.h"

#include "covector/core/error.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>

namespace covector {
namespace fs = std::filesystem;
namespace {

constexpr auto kVariable = "COVECTOR_PLUGIN_PATH";

fs::path checked_entry(const std::string& entry) {
  const std::string variable = kVariable;
  if (entry.empty())
    throw PluginError(variable +
                      " has an empty entry, which would mean the working directory; plug-ins are "
                      "never searched there: remove the extra ':'");
  if (!fs::path(entry).is_absolute())
    throw PluginError(variable + ": '" + entry +
                      "' is relative; plug-ins are never searched from the working directory: give "
                      "the whole path");
  if (!fs::is_directory(entry))
    throw PluginError(variable + ": there is no folder '" + entry +
                      "'; correct the path or remove it");
  return fs::canonical(entry);
}

std::string user_name(uid_t user) {
  const auto* entry = getpwuid(user);
  return entry ? entry->pw_name : std::to_string(user);
}

// Named like its owner and with no further member: Ubuntu makes such a group for every user.
bool is_private_group(gid_t group, uid_t owner) {
  const auto name = user_name(owner);
  const auto* entry = getgrgid(group);
  if (!entry || name != entry->gr_name) return false;
  for (auto* member = entry->gr_mem; *member; ++member)
    if (name != *member) return false;
  return true;
}

}  // namespace

std::vector<fs::path> plugin_search_path() {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  };
  if (const char* set = std::getenv(kVariable); set && *set) {
    const std::string text = set;
    for (std::size_t begin = 0; begin <= text.size();) {
      const auto end = std::min(text.find(':', begin), text.size());
      add(checked_entry(text.substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  const auto program = fs::read_symlink("/proc/self/exe");
  const auto installed = program.parent_path().parent_path() / "lib/covector/plugins";
  if (fs::is_directory(installed)) add(fs::canonical(installed));
  return folders;
}

void refuse_unless_private(const fs::path& path, const char* what) {
  const auto refused = std::string(what) + " '" + path.string() + "' is refused: ";
  struct stat status {};
  if (stat(path.c_str(), &status) != 0)
    throw PluginError(refused + std::system_category().message(errno));
  const std::string danger =
      ", and could make this program run their code: run 'chmod go-w " + path.string() + "'";
  if (status.st_mode & S_IWOTH) throw PluginError(refused + "every user may write to it" + danger);
  if ((status.st_mode & S_IWGRP) && !is_private_group(status.st_gid, status.st_uid)) {
    const auto* group = getgrgid(status.st_gid);
    throw PluginError(refused + "members of the group '" +
                      (group ? group->gr_name : std::to_string(status.st_gid)) +
                      "' may write to it" + danger);
  }
  if (status.st_uid != 0 && status.st_uid != geteuid())
    throw PluginError(refused + "it belongs to '" + user_name(status.st_uid) +
                      "', who is neither you ('" + user_name(geteuid()) +
                      "') nor root; copy it to a folder of yours");
}

void refuse_link_outside(const fs::path& path, const std::vector<fs::path>& folders) {
  const auto real = fs::weakly_canonical(path);
  if (std::find(folders.begin(), folders.end(), real.parent_path()) == folders.end())
    throw PluginError("plug-in '" + path.string() + "' is refused: it is a link to '" +
                      real.string() +
                      "', outside the plug-in folders; put the file itself there, or add its "
                      "folder to " +
                      kVariable);
}

}  // namespace covector
