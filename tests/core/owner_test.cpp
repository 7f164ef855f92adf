#include "support/catch.h"

#include "owner.h"
#include "support/scratch_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

using namespace covector;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
namespace fs = std::filesystem;

namespace {

/// An owner file as a process of another machine leaves it.
fs::path write_foreign(const ScratchFolder& folder, std::chrono::seconds since_heartbeat) {
  const auto file = folder.write(
      ".owner",
      R"({"host": "node-7", "numbers": "elsewhere", "pid": 42, "started": 9, "since": 1000})");
  fs::last_write_time(file, fs::file_time_type::clock::now() - since_heartbeat);
  return file;
}

/// The number of a process that has ended.
pid_t ended_process() {
  const auto child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

}  // namespace

TEST_CASE("a folder has its owner's file while it is held", "[owner]") {
  const ScratchFolder folder;
  CHECK_FALSE(owner_of(folder.path()));
  {
    const Ownership own(folder.path());
    CHECK_FALSE(own.before());
    const auto owner = owner_of(folder.path());
    REQUIRE(owner);
    CHECK(owner->pid == getpid());
    char host[256];
    REQUIRE(gethostname(host, sizeof host) == 0);
    CHECK(to_string(*owner) == std::string(host) + " pid " + std::to_string(getpid()));
    CHECK_THROWS_AS(Ownership(folder.path()), FolderInUse);
    CHECK_NOTHROW(own.check());
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("an owner on another machine lives as long as its heart beats", "[owner]") {
  const ScratchFolder folder;
  write_foreign(folder, kStale - kHeartbeat);
  CHECK(owner_of(folder.path())->host == "node-7");
  try {
    const Ownership own(folder.path());
    FAIL("it was taken from a process that lives");
  } catch (const FolderInUse& error) {
    CHECK(error.what() ==
          "the run folder " + folder.path().string() + " is in use by node-7 pid 42");
    CHECK(error.code() == 5);
  }

  write_foreign(folder, kStale + kHeartbeat);
  CHECK_FALSE(owner_of(folder.path()));
  const Ownership own(folder.path());
  CHECK(own.before()->host == "node-7");
  CHECK(owner_of(folder.path())->pid == getpid());
}

TEST_CASE("an owner on this machine is gone as soon as its process is", "[owner]") {
  const ScratchFolder folder;
  std::string file;
  {
    const Ownership own(folder.path());
    file = text_of(folder / ".owner");
  }
  const auto replaced = [&](const std::string& from, const std::string& to) {
    auto text = file;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  folder.write(".owner", file);
  CHECK(owner_of(folder.path()));  // this process lives
  const auto own_pid = "\"pid\":" + std::to_string(getpid());
  folder.write(".owner", replaced(own_pid, "\"pid\":" + std::to_string(ended_process())));
  CHECK_FALSE(owner_of(folder.path()));
  // The number of a process that ended was given to another, which started later.
  folder.write(".owner", replaced("\"started\":", "\"started\":1"));
  CHECK_FALSE(owner_of(folder.path()));
  const Ownership own(folder.path());
  CHECK(own.before()->pid == getpid());
}

TEST_CASE("a file that has no content yet belongs to a process that has just begun", "[owner]") {
  const ScratchFolder folder;
  const auto file = folder.write(".owner", "");
  CHECK_THROWS_WITH(Ownership(folder.path()), "the run folder " + folder.path().string() +
                                                  " is in use by a process that has just begun");
  fs::last_write_time(file, fs::file_time_type::clock::now() - kStale - kHeartbeat);
  CHECK_NOTHROW(Ownership(folder.path()));
}
