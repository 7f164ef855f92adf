#pragma once

#include "support/scratch_folder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace covector::testing {

/// A process that has ended.
struct Finished {
  int code = -1;  // the exit code, or 128 and the signal that ended it
  std::string output;
  std::string error;
  double processor_seconds = 0;  // user and system
};

namespace detail {
inline void send_to(int descriptor, const std::filesystem::path& file) {
  dup2(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), descriptor);
}
inline double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}
}  // namespace detail

/// A process that runs beside this one, without a shell. It is ended with its object.
class Process {
 public:
  /// @param environment  NAME=VALUE, added to the environment of this process
  Process(const std::filesystem::path& program, const std::vector<std::string>& words,
          const std::vector<std::string>& environment) {
    // There even if the process is ended before it opens them.
    for (const auto* file : {"output", "error"}) folder_->write(file, "");
    std::vector<char*> arguments{const_cast<char*>(program.c_str())};
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    child_ = fork();
    if (child_ < 0) throw std::runtime_error("cannot start a process");
    if (child_ == 0) {
      for (const auto& entry : environment) putenv(const_cast<char*>(entry.c_str()));
      detail::send_to(STDOUT_FILENO, *folder_ / "output");
      detail::send_to(STDERR_FILENO, *folder_ / "error");
      execv(program.c_str(), arguments.data());
      _exit(127);
    }
  }
  ~Process() {
    if (child_ <= 0) return;
    send(SIGKILL);
    wait();
  }
  Process(Process&& other) noexcept
      : folder_(std::move(other.folder_)), child_(std::exchange(other.child_, -1)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Does nothing to a process that has ended.
  void send(int signal) const {
    if (child_ > 0) ::kill(child_, signal);  // kill(-1) would reach every process
  }
  bool has_ended() const {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == child_;
  }
  Finished wait() {
    int status = 0;
    rusage usage{};
    if (wait4(std::exchange(child_, -1), &status, 0, &usage) < 0)
      throw std::runtime_error("lost a process");
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            text_of(*folder_ / "output"), text_of(*folder_ / "error"),
            detail::seconds(usage.ru_utime) + detail::seconds(usage.ru_stime)};
  }

 private:
  std::unique_ptr<ScratchFolder> folder_ = std::make_unique<ScratchFolder>();
  pid_t child_ = -1;
};

/// Runs a program to its end, without a shell.
/// @param environment  NAME=VALUE, added to the environment of this process
inline Finished run_process(const std::filesystem::path& program,
                            const std::vector<std::string>& words,
                            const std::vector<std::string>& environment) {
  return Process(program, words, environment).wait();
}

}  // namespace covector::testing
