#include "allocations.h"
#include "formats.h"

#include "datasets/files.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>

// Reads changed files of each format; README.md says how to use it.

#ifdef __SANITIZE_ADDRESS__
// A larger allocation ends the process, which is a finding. Leaks of ITK's readers that refuse a
// file are known.
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=4096:detect_leaks=0";
}
#endif

namespace covector::fuzz {
namespace {

constexpr unsigned kSeconds = 10;

using Numbers = std::vector<std::uint64_t>;

struct Request {
  std::vector<std::string> formats;  // empty: all
  std::uint64_t first = 0;
  std::uint64_t files = 300;
  std::filesystem::path findings;  // lines "format number what it was"
  std::filesystem::path keep;      // a folder for the files that are findings
};

/// What the reading process tells the other, also when it dies.
struct Report {
  std::size_t at;  // place in the list of numbers
  char finding[1000];
};

void tell(Report& report, const std::string& finding) {
  std::strncpy(report.finding, finding.c_str(), sizeof(report.finding) - 1);
}

/// Reads from report.at on, up to the first finding.
void read_files(const Format& format, const Numbers& numbers, const std::filesystem::path& path,
                Report& report) {
  for (; report.at < numbers.size(); ++report.at) {
    const auto bytes = format.file(numbers[report.at]);
    testing::write_file(path, bytes);
    alarm(kSeconds);
    restart_count();
    try {
      format.read(path);
    } catch (const std::exception& error) {
      return tell(report, std::string("another error than DataError: ") + error.what());
    }
    alarm(0);
    const auto allowed = format.allowed_bytes(bytes.size());
    if (most_bytes() > allowed)
      return tell(report, "took " + std::to_string(most_bytes()) + " bytes for a file of " +
                              std::to_string(bytes.size()) + "; " + std::to_string(allowed) +
                              " are allowed");
  }
}

/// The first reading fills what the libraries keep for good (tables, codecs).
void warm_up(const Format& format, const std::filesystem::path& path) {
  for (const auto& seed : format.seeds) {
    Random random(0);
    testing::write_file(path, format.finish ? format.finish(seed, random) : seed);
    format.read(path);
  }
}

/// In a process of its own, which a crash may end. Returns what is wrong with the file at
/// report.at, or nothing when all have been read.
std::string read_apart(const Format& format, const Numbers& numbers,
                       const std::filesystem::path& path, Report& report) {
  report.finding[0] = '\0';
  const auto child = fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
#ifndef __SANITIZE_ADDRESS__  // which takes terabytes of addresses
    const rlimit limit{16UL << 30, 16UL << 30};
    setrlimit(RLIMIT_AS, &limit);
#endif
    warm_up(format, path);
    read_files(format, numbers, path, report);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return "takes longer than " + std::to_string(kSeconds) + " s";
  if (WIFSIGNALED(status)) return "ends the process: " + std::string(strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return "ends the process with " + std::to_string(WEXITSTATUS(status)) + ", see above";
  return report.finding;
}

std::size_t try_format(const Format& format, const Numbers& numbers, const Request& request) {
  const testing::TemporaryFolder folder;
  const auto path = folder / ("case" + format.extension);
  auto* memory =
      mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory to share");
  auto& report = *new (memory) Report{};
  std::size_t findings = 0;
  while (true) {
    const auto what = read_apart(format, numbers, path, report);
    if (what.empty()) break;
    ++findings;
    std::cout << format.name << ' ' << numbers[report.at] << "  # " << what << std::endl;
    if (!request.keep.empty())
      testing::write_file(request.keep / (format.name + "-" + std::to_string(numbers[report.at]) +
                                          format.extension),
                          format.file(numbers[report.at]));
    ++report.at;
  }
  munmap(memory, sizeof(Report));
  std::cout << format.name << ": " << numbers.size() << " files, " << findings << " findings"
            << std::endl;
  return findings;
}

std::map<std::string, Numbers> known_findings(const std::filesystem::path& path) {
  std::map<std::string, Numbers> out;
  std::ifstream file(path);
  if (!path.empty() && !file) throw std::runtime_error(path.string() + ": cannot be opened");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string format;
    std::uint64_t number = 0;
    if (words >> format >> number) out[format].push_back(number);
  }
  return out;
}

Request request_of(const std::vector<std::string>& words) {
  Request request;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) {
      request.formats.push_back(words[i]);
      continue;
    }
    if (i + 1 == words.size()) throw std::runtime_error(words[i] + " needs a value");
    const auto& value = words[++i];
    if (words[i - 1] == "--first")
      request.first = std::stoull(value);
    else if (words[i - 1] == "--files")
      request.files = std::stoull(value);
    else if (words[i - 1] == "--findings")
      request.findings = value;
    else if (words[i - 1] == "--keep")
      request.keep = value;
    else
      throw std::runtime_error("unknown option " + words[i - 1]);
  }
  return request;
}

std::size_t run(const Request& request) {
  watch_allocations();
  const auto known = known_findings(request.findings);
  std::size_t findings = 0;
  std::size_t tried = 0;
  for (const auto& format : formats()) {
    const auto& chosen = request.formats;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), format.name) == chosen.end())
      continue;
    auto numbers = known.contains(format.name) ? known.at(format.name) : Numbers{};
    for (std::uint64_t i = 0; i < request.files; ++i) numbers.push_back(request.first + i);
    findings += try_format(format, numbers, request);
    ++tried;
  }
  if (tried == 0) throw std::runtime_error("no format of that name");
  return findings;
}

}  // namespace
}  // namespace covector::fuzz

int main(int count, char** words) {
  try {
    return covector::fuzz::run(covector::fuzz::request_of({words + 1, words + count})) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  }
}
