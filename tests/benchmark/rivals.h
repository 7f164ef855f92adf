#pragma once

#include "timing.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

/// What the benchmarks of single operators share: two or more ways to do one thing, taking turns.
namespace covector::benchmark {

/// Processor time of all threads of this process; unlike time passed it says something on a busy
/// machine too.
inline double processor_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

/// Times of each way, after one run that does not count.
inline std::vector<std::vector<double>> times_in_turn(
    std::int64_t rounds, const std::vector<std::function<void()>>& ways) {
  std::vector<std::vector<double>> times(ways.size());
  for (std::int64_t round = 0; round <= rounds; ++round)
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const auto start = processor_milliseconds();
      ways[i]();
      if (round > 0) times[i].push_back(processor_milliseconds() - start);
    }
  return times;
}

/// Lower quartile of the times of each way.
inline std::vector<double> take_turns(std::int64_t rounds,
                                      const std::vector<std::function<void()>>& ways) {
  std::vector<double> quartiles;
  for (auto& of_way : times_in_turn(rounds, ways)) {
    std::sort(of_way.begin(), of_way.end());
    quartiles.push_back(of_way[of_way.size() / 4]);
  }
  return quartiles;
}

/// Largest difference, of the largest magnitude wanted.
inline double relative_gap(const at::Tensor& got, const at::Tensor& wanted) {
  const auto difference = got.detach().to(torch::kFloat64) - wanted.detach().to(torch::kFloat64);
  return (difference.abs().max() / wanted.detach().abs().max()).item<double>();
}

inline void print_head(const std::string& what, const std::vector<std::string>& ways) {
  std::string names;
  std::string line;
  for (const auto& way : ways) {
    names += way + ", ms | ";
    line += "---|";
  }
  const auto columns = std::count(what.begin(), what.end(), '|') + 3;
  for (std::int64_t i = 0; i < columns; ++i) line += "---|";
  std::printf("| %s | %sratio | errors |\n|%s\n", what.c_str(), names.c_str(), line.c_str());
}

/// The ratio is that of the first way's time by the last's.
inline void print_row(const std::string& what, const std::vector<double>& times,
                      const std::vector<double>& errors) {
  std::printf("| %s |", what.c_str());
  for (const auto time : times) std::printf(" %.2f |", time);
  std::printf(" %.1f |", times.front() / times.back());
  for (std::size_t i = 0; i < errors.size(); ++i)
    std::printf("%s %.1e", i == 0 ? "" : ",", errors[i]);
  std::puts(" |");
  std::fflush(stdout);
}

/// Runs `compare`, which tells whether covector's results are right. Ends with 1 where they are
/// not.
inline int compare_rivals(int argc, char** argv, const std::string& name,
                          const std::function<bool(const Settings&)>& compare,
                          const std::map<std::string, std::string>& more = {}) {
  try {
    std::map<std::string, std::string> defaults{{"rounds", "11"}, {"threads", "1"}};
    defaults.insert(more.begin(), more.end());
    std::string usage = name;
    for (const auto& item : defaults) usage += " [--" + item.first + " N]";
    Settings settings(defaults);
    settings.read(argc, argv, usage);
    mallopt(M_MMAP_MAX, 0);  // as the program does
    mallopt(M_TRIM_THRESHOLD, -1);
    at::set_num_threads(static_cast<int>(settings.number("threads")));
    torch::manual_seed(0);
    if (compare(settings)) return 0;
    std::cerr << name << ": covector's result is wrong\n";
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
  }
  return 1;
}

}  // namespace covector::benchmark
