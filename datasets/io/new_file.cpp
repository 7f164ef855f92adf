#include "new_file.h"

#include "covector/core/error.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace covector::datasets {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw Error("cannot write " + path.string() + ": " + std::strerror(error) +
              (error == ENOSPC ? "; make room and run the same command again, what is finished is "
                                 "kept"
                               : ""));
}

// The reason, or 0.
int written(int file, const char* bytes, std::size_t length) {
  for (std::size_t done = 0; done < length;) {
    const auto wrote = ::write(file, bytes + done, length - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    done += static_cast<std::size_t>(wrote);
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

}  // namespace

void write_new_file(const std::filesystem::path& path, const char* bytes, std::size_t length) {
  // With the process in its name: two of them may work on one folder.
  const auto temporary = path.string() + ".writing-" + std::to_string(::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail(path, errno);
  auto reason = written(file, bytes, length);
  if (::close(file) != 0 && reason == 0) reason = errno;
  if (reason == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) reason = errno;
  if (reason == 0) return;
  ::unlink(temporary.c_str());
  fail(path, reason);
}

}  // namespace covector::datasets
