#include "cost_estimate.h"

#include "benchmark_files.h"
#include "cell_state.h"
#include "child_process.h"
#include "covector/core/error.h"
#include "duration.h"
#include "run_folder.h"

#include <sys/utsname.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <ostream>
#include <thread>

namespace covector {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

/// What decides the cost of a cell: its recipe, but for the seed and where its pretraining lies.
std::string configuration_of(const Cell& cell) {
  auto table = cell.recipe.table;
  std::erase_if(table.entries, [](const auto& entry) {
    return entry.first == "seed" || entry.first == "pretrained";
  });
  return to_toml_document(table);
}

/// Whose costs they are: another machine or share of it has others.
std::string place_of(const CellShare& share) {
  utsname system{};
  uname(&system);
  return std::string(system.nodename) + ", " + share.device + ", " +
         (share.threads > 0 ? std::to_string(share.threads) + " threads" : "all threads");
}

/// costs.json: by place, then by configuration.
class KnownCosts {
 public:
  KnownCosts(const fs::path& output, const CellShare& share)
      : output_(output), place_(place_of(share)), all_(read()) {}

  const CellCost* find(const std::string& configuration) {
    const auto known = known_.find(configuration);
    if (known != known_.end()) return &known->second;
    if (!all_.contains(place_) || !all_[place_].contains(configuration)) return nullptr;
    return &(known_[configuration] = cost_of_json(all_[place_][configuration].dump()));
  }
  void add(const std::string& configuration, const CellCost& cost) {
    known_[configuration] = cost;
    const BenchmarkLock lock(output_);
    all_ = read();
    all_[place_][configuration] = Json::parse(to_json(cost));
    write_text(output_ / "costs.json", all_.dump(2) + "\n");
  }

 private:
  Json read() const {
    std::ifstream file(output_ / "costs.json");
    auto json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
    return json.is_object() ? json : Json::object();
  }

  fs::path output_;
  std::string place_;
  Json all_;
  std::map<std::string, CellCost> known_;
};

std::string content_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Runs the probe of a cell to its end, and gives what it printed. Throws Error with that where it
/// fails.
std::string run_probe(const std::vector<std::string>& words, const fs::path& output,
                      const Signals& signals) {
  using namespace std::chrono_literals;
  const auto file = output / (".probe-" + std::to_string(getpid()) + ".json");
  const auto process = start_process(words, file);
  std::optional<Ending> ending;
  while (!(ending = ending_of(process))) {
    if (signals.stop_code()) kill(process, SIGTERM);
    std::this_thread::sleep_for(20ms);
  }
  auto text = content_of(file);
  fs::remove(file);
  if (ending->signal != 0) throw Error(to_string(*ending));
  if (ending->code != 0) throw Error(text.substr(0, text.find_last_not_of('\n') + 1));
  return text;
}

std::string size_text(double mebibytes) {
  char text[32];
  if (mebibytes < 1000)
    std::snprintf(text, sizeof text, "%.0f MiB", mebibytes);
  else
    std::snprintf(text, sizeof text, "%.1f GiB", mebibytes / 1024);
  return text;
}

double seconds_left(const CostedCell& cell) {
  if (cell.cost.steps == 0) return cell.cost.seconds();
  const auto done = static_cast<double>(cell.steps_done) / static_cast<double>(cell.cost.steps);
  return cell.cost.seconds_to_begin + cell.cost.seconds_to_test +
         (cell.cost.seconds() - cell.cost.seconds_to_begin - cell.cost.seconds_to_test) *
             std::max(0.0, 1 - done);
}

}  // namespace

Estimate estimate_of(const std::vector<CostedCell>& cells, std::size_t jobs) {
  Estimate estimate;
  std::vector<double> free_at(jobs, 0.0);
  std::map<std::string, double> done_at;
  std::vector<double> memory;
  for (const auto& cell : cells) {
    auto& job = *std::min_element(free_at.begin(), free_at.end());
    const auto base = done_at.find(cell.builds_on);
    const auto begin = std::max(job, base == done_at.end() ? 0.0 : base->second);
    job = done_at[cell.name] = begin + seconds_left(cell);
    estimate.seconds = std::max(estimate.seconds, job);
    estimate.disk_mib += cell.cost.disk_mib;
    memory.push_back(cell.cost.memory_mib);
  }
  std::sort(memory.rbegin(), memory.rend());
  for (std::size_t i = 0; i < std::min(jobs, memory.size()); ++i) estimate.memory_mib += memory[i];
  return estimate;
}

std::string to_text(const Estimate& estimate) {
  return "about " + duration_text(estimate.seconds) + ", " + size_text(estimate.memory_mib) +
         " of memory, " + size_text(estimate.disk_mib) + " of disk";
}

std::map<std::string, CellCost> probe_cells(const std::vector<const Cell*>& cells,
                                            const fs::path& output, const CellCommand& probe,
                                            const CellShare& share, const Signals& signals,
                                            std::ostream& out) {
  KnownCosts known(output, share);
  std::map<std::string, CellCost> costs;
  std::vector<std::string> refused;  // configurations
  for (const auto* cell : cells) {
    if (steps_of(*cell) < kFewSteps || signals.stop_code()) continue;
    const auto configuration = configuration_of(*cell);
    if (std::find(refused.begin(), refused.end(), configuration) != refused.end()) continue;
    if (!known.find(configuration)) try {
        out << "  measuring " << cell->name << " for the estimate" << std::endl;
        known.add(configuration, cost_of_json(run_probe(probe(*cell, share), output, signals)));
      } catch (const Error& error) {
        if (!signals.stop_code()) out << "  no estimate of it: " << error.what() << std::endl;
        refused.push_back(configuration);
        continue;
      }
    costs[cell->name] = *known.find(configuration);
  }
  return costs;
}

}  // namespace covector
