#pragma once

#include "covector/core/error.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace covector {

/// The process that works in a folder, as its file .owner says.
struct Owner {
  std::string host;
  /// Where its number means something: the boot of the machine and the space of process numbers,
  /// of which containers have their own.
  std::string numbers;
  std::int64_t pid = 0;
  std::int64_t started = 0;  // in clock ticks since the machine did: numbers are used again
  std::int64_t since = 0;    // seconds since 1970, when it took the folder

  bool operator==(const Owner&) const = default;
};
/// "HOST pid N"
COVECTOR_API std::string to_string(const Owner& owner);

/// How often an owner shows that it lives, by the time of change of its file.
constexpr std::chrono::seconds kHeartbeat{20};
/// After how long without it an owner on another machine is taken for gone.
constexpr std::chrono::seconds kStale{180};

/// Exit code of a program that found its run folder in use.
constexpr int kFolderInUse = 5;
/// A folder that another process works in.
class COVECTOR_API FolderInUse : public Error {
 public:
  using Error::Error;
  ~FolderInUse() override;
  int code() const override { return kFolderInUse; }
};

/// The process that works in a folder now; none where nobody does or where the one that its file
/// names is gone: on this machine when there is no such process, on another when its last heartbeat
/// is older than kStale by the clock of the file system.
COVECTOR_API std::optional<Owner> owner_of(const std::filesystem::path& folder);

/// Holds a folder against other processes, on this machine and on others that share its file
/// system, by the file .owner in it.
class COVECTOR_API Ownership {
 public:
  /// Takes the folder, also from an owner that is gone. Throws FolderInUse when a process works in
  /// it, Error when it cannot be written.
  explicit Ownership(const std::filesystem::path& folder);
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  /// Who was gone and held the folder.
  const std::optional<Owner>& before() const { return before_; }
  /// Throws Error when another process took the folder, as it may from one that was halted for
  /// longer than kStale.
  void check() const;

 private:
  bool claim();
  void beat();

  std::filesystem::path file_;
  Owner own_;
  std::optional<Owner> before_;
  mutable std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false;
  std::optional<Owner> taken_by_;
  std::thread heart_;
};

}  // namespace covector
