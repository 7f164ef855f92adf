#pragma once

#include "support/scratch_folder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
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

/// Runs a program to its end, without a shell.
/// @param environment  NAME=VALUE, added to the environment of this process
inline Finished run_process(const std::filesystem::path& program,
                            const std::vector<std::string>& words,
                            const std::vector<std::string>& environment) {
  const ScratchFolder folder;
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto child = fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
    for (const auto& entry : environment) putenv(const_cast<char*>(entry.c_str()));
    detail::send_to(STDOUT_FILENO, folder / "output");
    detail::send_to(STDERR_FILENO, folder / "error");
    execv(program.c_str(), arguments.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) throw std::runtime_error("lost a process");
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          text_of(folder / "output"), text_of(folder / "error"),
          detail::seconds(usage.ru_utime) + detail::seconds(usage.ru_stime)};
}

}  // namespace covector::testing
