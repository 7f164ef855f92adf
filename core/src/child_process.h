#pragma once

#include "covector/core/export.h"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// Starts a program beside this one, without a shell. It gets SIGTERM should this process end
/// before it.
/// @param words  the program and what follows it
/// @param log    where what it prints is added; empty: where this process prints
/// Throws Error when it cannot be started.
COVECTOR_API pid_t start_process(const std::vector<std::string>& words,
                                 const std::filesystem::path& log);

/// How a process ended.
struct Ending {
  int code = 0;    // its exit code
  int signal = 0;  // that ended it; 0: none
};
/// None while it runs. To be asked no more once it has ended.
COVECTOR_API std::optional<Ending> ending_of(pid_t process);

/// "ended by signal 11 (Segmentation fault)", "ended with code 3"
COVECTOR_API std::string to_string(const Ending& ending);

/// This program's file.
COVECTOR_API std::filesystem::path this_program();

}  // namespace covector
