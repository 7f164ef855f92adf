#include "child_process.h"

#include "covector/core/error.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace covector {
namespace fs = std::filesystem;
namespace {

/// Between fork and exec: nothing here may take memory or a lock.
[[noreturn]] void become(char* const* words, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(128 + SIGTERM);  // it ended before it could be watched
  if (log >= 0) {
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  }
  execv(words[0], words);
  _exit(127);
}

int open_log(const fs::path& log) {
  if (log.empty()) return -1;
  fs::create_directories(log.parent_path());
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) throw Error("cannot write " + log.string() + ": " + std::strerror(errno));
  return file;
}

}  // namespace

pid_t start_process(const std::vector<std::string>& words, const fs::path& log) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int file = open_log(log);
  const auto parent = getpid();
  const auto child = fork();
  if (child == 0) become(arguments.data(), file, parent);
  const std::string why = std::strerror(errno);
  if (file >= 0) close(file);
  if (child < 0) throw Error("cannot start a process: " + why);
  return child;
}

std::optional<Ending> ending_of(pid_t process) {
  int status = 0;
  const auto ended = waitpid(process, &status, WNOHANG);
  if (ended == 0) return std::nullopt;
  if (ended < 0) throw Error(std::string("lost a process: ") + std::strerror(errno));
  if (WIFSIGNALED(status)) return Ending{0, WTERMSIG(status)};
  return Ending{WEXITSTATUS(status), 0};
}

std::string to_string(const Ending& ending) {
  if (ending.signal == 0) return "ended with code " + std::to_string(ending.code);
  return "ended by signal " + std::to_string(ending.signal) + " (" + strsignal(ending.signal) +
         ")" +
         (ending.signal == SIGKILL ? "; where memory is short, fewer --jobs or a smaller batch help"
                                   : "");
}

fs::path this_program() {
  return fs::read_symlink("/proc/self/exe");
}

}  // namespace covector
