#include "support/catch.h"

#include "smoke/smoke_run.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <thread>

using namespace covector::testing;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kMoment = std::chrono::milliseconds(2);
constexpr auto kPatience = std::chrono::seconds(60);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Whether it came true while the process was running.
bool comes_true(const Process& process, const std::function<bool()>& condition) {
  const auto start = Clock::now();
  while (!process.has_ended() && Clock::now() - start < kPatience) {
    if (condition()) return true;
    std::this_thread::sleep_for(kMoment);
  }
  return false;
}

const Words kOften{"-s", "loop.checkpoint_every=2"};

/// A run that nothing interrupts, made once, and how long it takes.
struct Whole {
  ScratchFolder folder;
  double seconds = 0;
};
const Whole& whole(const std::string& recipe) {
  static std::map<std::string, Whole> runs;
  auto& run = runs[recipe];
  if (run.seconds > 0) return run;
  const auto start = Clock::now();
  const auto finished = run_to_end(smoke_recipe(recipe), run.folder / "run", kOften);
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  run.seconds = seconds_since(start);
  return run;
}

/// Kills the process when `seconds` have gone by, unless it ends before.
Finished killed_after(double seconds, Process process) {
  const auto start = Clock::now();
  while (seconds_since(start) < seconds && !process.has_ended())
    std::this_thread::sleep_for(kMoment);
  process.send(SIGKILL);
  return process.wait();
}

/// Runs that are killed at random moments and started again until they end, until ten kills have
/// hit; each must end as the whole one.
void kill_ten_times(const std::string& recipe, std::uint64_t seed) {
  const auto& expected = whole(recipe);
  const ScratchFolder folder;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> moment(0.0, expected.seconds);
  std::string moments;
  int kills = 0;
  for (int number = 0; kills < 10; ++number) {
    const auto run = folder / ("run-" + std::to_string(number));
    for (bool ended = false; !ended;) {
      const auto delay = kills < 10 ? moment(random) : kPatience.count();
      const auto finished = killed_after(delay, start_run(smoke_recipe(recipe), run, kOften));
      ended = finished.code != 128 + SIGKILL;
      kills += ended ? 0 : 1;
      moments += (ended ? " end" : " " + std::to_string(delay));
      INFO("killed after seconds:" << moments << "\n" << finished.output << finished.error);
      REQUIRE((finished.code == 0 || !ended));
    }
    INFO("killed after seconds:" << moments);
    check_same_run(run, expected.folder / "run");
  }
}

/// Leaves a run folder with two checkpoints whose process was killed before its end.
void leave_two_checkpoints(const fs::path& run) {
  auto process = start_run(smoke_recipe("cover"), run, kOften);
  REQUIRE(comes_true(process, [&] { return checkpoints_of(run).size() >= 2; }));
  process.send(SIGKILL);
  REQUIRE(process.wait().code == 128 + SIGKILL);
}

void flip_byte(const fs::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(file) / 2);
  stream.seekg(middle);
  const auto byte = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(middle);
  stream.put(byte);
}

std::size_t log_lines(const fs::path& run) {
  std::ifstream file(run / "log.jsonl");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

}  // namespace

TEST_CASE("a pretraining killed ten times at random gives the uninterrupted run, bit for bit",
          "[smoke][resume]") {
  kill_ten_times("cover", 20261124);
}

TEST_CASE("a fine-tuning killed ten times at random gives the uninterrupted run, bit for bit",
          "[smoke][resume]") {
  kill_ten_times("segment", 20261125);
}

TEST_CASE("a damaged newest checkpoint is named, and the run resumes from the one before",
          "[smoke][resume]") {
  const ScratchFolder folder;
  leave_two_checkpoints(folder / "flipped");
  fs::copy(folder / "flipped", folder / "cut", fs::copy_options::recursive);
  flip_byte(checkpoints_of(folder / "flipped").back());
  const auto newest = checkpoints_of(folder / "cut").back();
  fs::resize_file(newest, fs::file_size(newest) - 1);
  for (const auto* name : {"flipped", "cut"}) {
    const auto run = folder / name;
    const auto before = checkpoints_of(run);
    const auto resumed = run_to_end(smoke_recipe("cover"), run, kOften);
    INFO(resumed.output << resumed.error);
    CHECK(resumed.code == 0);
    CHECK_THAT(resumed.output,
               Contains("warning: '" + before.back().string() +
                        "' is not a whole checkpoint: its length or checksum is not what was "
                        "written; trying the one before it"));
    const auto earlier = before.at(before.size() - 2).stem().string().substr(5);
    CHECK_THAT(resumed.output,
               Contains("resuming from step " + std::to_string(std::stoll(earlier)) + "\n"));
    check_same_run(run, whole("cover").folder / "run");
  }
}

TEST_CASE("signals write a checkpoint: SIGUSR1 goes on, SIGTERM and SIGINT stop", "[smoke]") {
  const ScratchFolder folder;
  const auto run = folder / "run";
  const Words endless{"-s", "loop.steps=1_000_000", "-s", "loop.checkpoint_every=1_000_000",
                      "-s", "loop.log_every=1",     "-s", "loop.pictures_every=0"};
  const auto stopped = [&](int signal, std::size_t checkpoints) {
    const auto lines = log_lines(run);
    auto process = start_run(smoke_recipe("cover"), run, endless);
    REQUIRE(comes_true(process, [&] { return log_lines(run) > lines + 1; }));
    if (signal == SIGTERM) {
      CHECK(checkpoints_of(run).empty());
      process.send(SIGUSR1);
      CHECK(comes_true(process, [&] { return checkpoints_of(run).size() == 1; }));
      const auto then = log_lines(run);
      CHECK(comes_true(process, [&] { return log_lines(run) > then; }));
    }
    process.send(signal);
    const auto finished = process.wait();
    INFO(finished.output << finished.error);
    CHECK(finished.code == 128 + signal);
    const auto status = nlohmann::json::parse(text_of(run / "status.json"));
    CHECK(status["state"] == "stopped");
    CHECK(status["step"] == log_lines(run));
    CHECK_THAT(finished.output, Contains("stopped by a signal at step " + status["step"].dump() +
                                         "; the same command goes on from there\n"));
    REQUIRE(checkpoints_of(run).size() == checkpoints);
    char name[32];
    std::snprintf(name, sizeof name, "step-%09lld.h5", status["step"].get<long long>());
    CHECK(checkpoints_of(run).back().filename() == name);
  };
  stopped(SIGTERM, 2);
  stopped(SIGINT, 2);  // the last two are kept
}
