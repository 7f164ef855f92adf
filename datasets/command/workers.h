#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace covector::data_command {

/// "checked 120/2000 images, 3.1 a second, 10:03 left", on the standard error: rewritten in place
/// on a terminal, else a line every ten seconds.
class Progress {
 public:
  Progress(std::string done, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// From any thread.
  void advance(std::int64_t images);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Calls `work` with 0 .. count - 1, in order of starting, from `jobs` threads. The first thing
/// thrown is thrown on, once all have stopped.
/// @param stop  asked before each; work that has begun is finished
void for_each(std::int64_t count, int jobs, const std::function<void(std::int64_t)>& work,
              const std::function<bool()>& stop = {});

}  // namespace covector::data_command
