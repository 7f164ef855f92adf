#include "support/catch.h"

#include "core/toy_benchmark.h"

#include "child_process.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <thread>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

/// The words that run one of the hidden test cases below.
std::vector<std::string> words_of(const std::string& test_case,
                                  const std::vector<std::string>& environment) {
  std::vector<std::string> words{"/usr/bin/env", "OMP_NUM_THREADS=1"};
  words.insert(words.end(), environment.begin(), environment.end());
  words.insert(words.end(), {this_program().string(), test_case});
  return words;
}

std::string variable(const char* name) {
  const auto* value = std::getenv(name);
  REQUIRE(value);
  return value;
}

/// Whether it is the first time that something is done, also of other processes.
bool first_time(const fs::path& marker) {
  auto* file = std::fopen(marker.c_str(), "wx");
  if (file) std::fclose(file);
  return file != nullptr;
}

void befall(const std::string& what, const fs::path& marker) {
  if (what == "slow") {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return;
  }
  if (what == "throw") throw std::runtime_error("a mishap");
  if (!first_time(marker)) return;
  if (what == "stop-parent") kill(getppid(), SIGTERM);
  if (what == "kill-parent" || what == "kill-both") kill(getppid(), SIGKILL);
  if (what == "kill" || what == "kill-both") raise(SIGKILL);
}

/// What happens to a cell whenever a step or case of it comes.
class Fate {
 public:
  Fate(fs::path folder, std::string cell) : folder_(std::move(folder)), cell_(std::move(cell)) {}

  void operator()() {
    if (call_ == 0) std::ofstream(folder_ / "begun.txt", std::ios::app) << cell_ + "\n";
    std::ifstream mishaps(folder_ / "mishaps.txt");
    int number = 0;
    for (std::string line; std::getline(mishaps, line); ++number) {
      std::istringstream words(line);
      std::string cell, what;
      int call = 0;
      words >> cell >> call >> what;
      if (cell == cell_ && (call == call_ || what == "slow"))
        befall(what, folder_ / ("befallen-" + std::to_string(number)));
    }
    ++call_;
  }

 private:
  fs::path folder_;
  std::string cell_;
  int call_ = 0;
};

/// Runs something to its end and leaves the process with its exit code.
template <class Work>
[[noreturn]] void leave_with(Work work) {
  int code = 1;
  try {
    code = work();
  } catch (const Error& error) {
    std::cerr << error.what() << std::endl;
    code = error.code();
  }
  std::cout.flush();
  std::_Exit(code);
}

}  // namespace

void write_mishaps(const fs::path& folder, const Mishaps& mishaps) {
  std::ofstream file(folder / "mishaps.txt");
  for (const auto& line : mishaps) file << line << "\n";
}

BenchmarkRequest toy_request(const fs::path& folder, const fs::path& output, int jobs) {
  BenchmarkRequest request;
  request.run = {load_recipe(folder / "all.toml"), output, "cpu", 1, false};
  request.jobs = jobs;
  request.estimate = false;
  request.cell = [folder, output](const Cell& cell, const CellShare&) {
    return words_of("a cell of toys in this process",
                    {"COVECTOR_TEST_FOLDER=" + folder.string(),
                     "COVECTOR_TEST_OUTPUT=" + output.string(), "COVECTOR_TEST_CELL=" + cell.name});
  };
  return request;
}

std::vector<std::string> toy_benchmark_words(const fs::path& folder, const fs::path& output,
                                             int jobs) {
  return words_of(
      "a benchmark of toys in this process",
      {"COVECTOR_TEST_FOLDER=" + folder.string(), "COVECTOR_TEST_OUTPUT=" + output.string(),
       "COVECTOR_TEST_JOBS=" + std::to_string(jobs)});
}

std::vector<std::string> begun_cells(const fs::path& folder) {
  std::ifstream file(folder / "begun.txt");
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) names.push_back(line);
  std::sort(names.begin(), names.end());
  return names;
}

TEST_CASE("a cell of toys in this process", "[.process]") {
  const fs::path folder = variable("COVECTOR_TEST_FOLDER");
  const auto cell = variable("COVECTOR_TEST_CELL");
  leave_with([&] {
    Fate fate(folder, cell);
    before_toy_step() = [&](std::int64_t) { fate(); };
    ToyProgram program;
    const RunRequest request{load_recipe(folder / "all.toml"), variable("COVECTOR_TEST_OUTPUT"),
                             "cpu", 1, true};
    return run_cell(request, cell, program.registries, program.loader, program.out);
  });
}

TEST_CASE("a benchmark of toys in this process", "[.process]") {
  const fs::path folder = variable("COVECTOR_TEST_FOLDER");
  leave_with([&] {
    ToyProgram program;
    auto request = toy_request(folder, variable("COVECTOR_TEST_OUTPUT"),
                               std::stoi(variable("COVECTOR_TEST_JOBS")));
    return run_benchmark(request, program.registries, program.loader, std::cout);
  });
}

}  // namespace covector::testing
