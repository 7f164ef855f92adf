#pragma once

#include <ATen/Parallel.h>
#include <malloc.h>
#include <sys/resource.h>
#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

/// What the benchmarks share: settings from the command line, and a line of JSON with their times.
namespace covector::benchmark {

/// Values by name, as in "--size 192".
class Settings {
 public:
  explicit Settings(std::map<std::string, std::string> defaults) : values_(std::move(defaults)) {}
  /// Throws std::invalid_argument with `usage` for words that are no setting with a value.
  void read(int argc, char** argv, const std::string& usage) {
    for (int i = 1; i < argc; i += 2) {
      const std::string name(argv[i]);
      if (name.substr(0, 2) != "--" || !values_.count(name.substr(2)) || i + 1 == argc)
        throw std::invalid_argument("usage: " + usage);
      values_[name.substr(2)] = argv[i + 1];
    }
  }
  const std::string& text(const std::string& name) const { return values_.at(name); }
  /// Whether a setting is the first of two words; throws std::invalid_argument unless it is one.
  bool first_of(const std::string& name, const std::string& one, const std::string& other) const {
    if (text(name) != one && text(name) != other)
      throw std::invalid_argument("--" + name + " is " + one + " or " + other + ", not " +
                                  text(name));
    return text(name) == one;
  }
  std::int64_t number(const std::string& name) const { return std::stoll(values_.at(name)); }
  const std::map<std::string, std::string>& all() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

using Clock = std::chrono::steady_clock;

inline double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// The most memory that this process has held so far.
inline double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Times of the phases of a step.
using Times = std::map<std::string, double>;

/// A training step: `forward` gives the loss, `update` changes the weights by its gradients.
inline Times time_training(const std::function<at::Tensor()>& forward,
                           const std::function<void()>& update) {
  const auto start = Clock::now();
  auto loss = forward();
  const auto forward_done = Clock::now();
  loss.backward();
  const auto backward_done = Clock::now();
  update();
  const auto end = Clock::now();
  return {{"forward", milliseconds(start, forward_done)},
          {"backward", milliseconds(forward_done, backward_done)},
          {"optimiser", milliseconds(backward_done, end)},
          {"step", milliseconds(start, end)}};
}

/// {"milliseconds": {phase: [a number a step]}, "mebibytes": the most memory held}. Steps to warm
/// up are not timed.
inline nlohmann::json time_steps(const Settings& settings, const std::function<Times()>& step) {
  nlohmann::json result{{"settings", settings.all()}};
  const auto warm_up = settings.number("warm-up");
  for (std::int64_t i = 0; i < warm_up + settings.number("steps"); ++i) {
    const auto times = step();
    if (i < warm_up) continue;
    for (const auto& [phase, time] : times) result["milliseconds"][phase].push_back(time);
  }
  result["mebibytes"] = peak_mebibytes();
  return result;
}

/// Sets up the process as `settings` say, prints what `run` gives, and tells of errors. `settings`
/// have "malloc", "threads" and what time_steps() reads.
inline int run_benchmark(Settings settings, int argc, char** argv, const std::string& usage,
                         const std::function<nlohmann::json(const Settings&)>& run) {
  try {
    settings.read(argc, argv, usage);
    if (settings.first_of("malloc", "keep", "system")) {  // as the program does
      mallopt(M_MMAP_MAX, 0);
      mallopt(M_TRIM_THRESHOLD, -1);
    }
    at::set_num_threads(static_cast<int>(settings.number("threads")));
    torch::manual_seed(0);
    std::cout << run(settings) << '\n';
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace covector::benchmark
