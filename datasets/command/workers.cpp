#include "workers.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

namespace covector::data_command {
namespace {

using Clock = std::chrono::steady_clock;

std::string clock_text(double seconds) {
  const auto whole = std::lround(seconds);
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

}  // namespace

struct Progress::State {
  std::mutex mutex;
  std::string done;
  std::int64_t total;
  std::int64_t count = 0;
  bool terminal = isatty(STDERR_FILENO) != 0;
  bool shown = false;
  Clock::time_point begin = Clock::now();
  Clock::time_point last = begin;

  std::string line() const {
    const std::chrono::duration<double> passed = Clock::now() - begin;
    const auto rate = static_cast<double>(count) / std::max(passed.count(), 1e-9);
    char text[96];
    std::snprintf(text, sizeof text, "%lld/%lld images, %.3g a second, ",
                  static_cast<long long>(count), static_cast<long long>(total), rate);
    return done + " " + text + clock_text(static_cast<double>(total - count) / rate) + " left";
  }
};

Progress::Progress(std::string done, std::int64_t total) : state_(std::make_unique<State>()) {
  state_->done = std::move(done);
  state_->total = total;
}

Progress::~Progress() {
  if (state_->shown && state_->terminal) std::cerr << "\r\x1b[K" << std::flush;
}

void Progress::advance(std::int64_t images) {
  const std::lock_guard lock(state_->mutex);
  state_->count += images;
  const auto now = Clock::now();
  const auto pause = state_->terminal ? std::chrono::milliseconds(200) : std::chrono::seconds(10);
  if (now - state_->last < pause) return;
  state_->last = now;
  state_->shown = true;
  if (state_->terminal)
    std::cerr << "\r\x1b[K" << state_->line() << std::flush;
  else
    std::cerr << state_->line() << std::endl;
}

void for_each(std::int64_t count, int jobs, const std::function<void(std::int64_t)>& work,
              const std::function<bool()>& stop) {
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr first;
  const auto run = [&] {
    at::set_num_threads(1);  // the images are what is shared out
    for (auto i = next++; i < count && !failed && !(stop && stop()); i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        failed = true;
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(jobs, count); ++i) threads.emplace_back(run);
  for (auto& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace covector::data_command
