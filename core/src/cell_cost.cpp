#include "cell_cost.h"

#include "bench.h"
#include "checkpoint.h"
#include "covector/core/error.h"
#include "device.h"
#include "measure.h"
#include "train_run.h"

#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace covector {
namespace fs = std::filesystem;
namespace {

constexpr int kSteps = 3;
constexpr std::size_t kCases = 3;
constexpr double kMebibyte = 1024.0 * 1024.0;

double seconds_of(const std::function<void()>& work, c10::Device device = c10::kCPU) {
  Stopwatch watch(device);
  watch.start();
  work();
  watch.lap("work");
  return watch.seconds("work");
}

std::int64_t times(std::int64_t interval, std::int64_t steps) {
  return interval > 0 ? (steps + interval - 1) / interval : 0;
}

/// Seconds of a step, without the first ones.
double step_seconds(Trainer& trainer, Batches& batches, c10::Device device) {
  const auto take = [&](int steps) {
    for (int i = 0; i < steps; ++i) trainer.step(batches, /*logged=*/false);
  };
  take(kWarmUpSteps);
  return seconds_of([&] { take(kSteps); }, device) / kSteps;
}

/// Seconds of measuring a task on one case.
double case_seconds(const Prepared& prepared, std::vector<std::int64_t> cases) {
  cases.resize(std::min(cases.size(), kCases));
  if (cases.empty()) return 0;
  const auto seconds = seconds_of(
      [&] { measure(*prepared.built.task, *prepared.built.dataset, cases, prepared.device); });
  return seconds / static_cast<double>(cases.size());
}

void measure_evaluation(const Prepared& prepared, CellCost& cost) {
  const auto tests = prepared.built.dataset->indices(Split::test);
  const auto validation = prepared.built.dataset->indices(Split::validation);
  const auto a_case = case_seconds(prepared, tests);
  cost.seconds_to_test = a_case * static_cast<double>(tests.size());
  cost.seconds_a_validation = a_case * static_cast<double>(validation.size());
  cost.validations = times(prepared.plan.loop.validate_every, cost.steps);
}

void measure_checkpoint(const Trainer& trainer, const LoopOptions& loop, const fs::path& folder,
                        CellCost& cost) {
  State state;
  trainer.save(state);
  fs::create_directories(folder);
  const auto file = folder / (".probe-" + std::to_string(getpid()) + ".h5");
  cost.seconds_a_checkpoint = seconds_of([&] { write_state(file, state); });
  const auto one = static_cast<double>(fs::file_size(file)) / kMebibyte;
  fs::remove(file);
  cost.checkpoints = std::max<std::int64_t>(1, times(loop.checkpoint_every, cost.steps));
  const auto last = std::min(cost.checkpoints, loop.keep_checkpoints);
  cost.disk_mib = one * static_cast<double>(last + (cost.validations > 0 ? 1 : 0));
}

}  // namespace

CellCost measure_cost(const RunRequest& request, Registries& registries, PluginLoader& loader) {
  CellCost cost;
  Stopwatch watch(c10::kCPU);
  watch.start();
  const auto prepared = prepare(request, registries, loader);
  const auto& [plan, device, stopwatch, built] = prepared;
  const auto trainer = trainer_of(plan, built, device);
  watch.lap("begin");
  cost.seconds_to_begin = watch.seconds("begin");
  if (built.learner->trains()) {
    cost.steps = plan.loop.steps;
    const auto batches = batches_of(plan, built, 0, device);
    begin_task(plan, built, *batches);
    cost.seconds_a_step = step_seconds(*trainer, *batches, device);
  }
  if (built.task) measure_evaluation(prepared, cost);
  measure_checkpoint(*trainer, plan.loop, output_of(request), cost);
  cost.memory_mib = peak_memory_mib();
  return cost;
}

std::string to_json(const CellCost& cost) {
  const nlohmann::ordered_json json{{"steps", cost.steps},
                                    {"checkpoints", cost.checkpoints},
                                    {"validations", cost.validations},
                                    {"seconds_to_begin", cost.seconds_to_begin},
                                    {"seconds_a_step", cost.seconds_a_step},
                                    {"seconds_a_checkpoint", cost.seconds_a_checkpoint},
                                    {"seconds_a_validation", cost.seconds_a_validation},
                                    {"seconds_to_test", cost.seconds_to_test},
                                    {"memory_mib", cost.memory_mib},
                                    {"disk_mib", cost.disk_mib},
                                    {"seconds", cost.seconds()}};
  return json.dump(2) + "\n";
}

CellCost cost_of_json(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    return {json.at("steps"),
            json.at("checkpoints"),
            json.at("validations"),
            json.at("seconds_to_begin"),
            json.at("seconds_a_step"),
            json.at("seconds_a_checkpoint"),
            json.at("seconds_a_validation"),
            json.at("seconds_to_test"),
            json.at("memory_mib"),
            json.at("disk_mib")};
  } catch (const nlohmann::json::exception& error) {
    throw Error(std::string("these are no costs of a cell: ") + error.what());
  }
}

}  // namespace covector
